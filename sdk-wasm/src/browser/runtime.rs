//! One running tracker: the core, and the hands that carry out its commands.
//! No borrow of the core is held while the page's own functions may run, so that they may call back in.

use super::dom::{call, call2, flag, get, some_text, text};
use super::fetch::{self, Exchange, Pending};
use super::handle::{Listener, Timer};
use super::options::Options;
use super::storage::Store;
use super::views::Views;
use super::{beacon, clicks, clock, device, lifecycle};
use crate::core::{Command, Now, Tracker, Transport, address};
use footfall_event_model::{Event, EventType, Json, Page, Violation};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// What the page tells a running tracker.
#[derive(Debug)]
pub(super) enum Input {
    Click,
    Route,
    Routed,
    Return,
    Leave,
    Show,
    VisibilityChange,
    AnotherTabWrote,
    Visibility,
    PageChanged,
    Search,
    Seen(JsValue),
    Response(Exchange),
    Settled(Exchange),
    Wake,
}

/// A tracker in its browser. Its callbacks keep it alive; [`Runtime::stop`] lets go of them.
pub(super) struct Runtime {
    pub(super) window: JsValue,
    core: RefCell<Tracker>,
    store: Store,
    url: String,
    debug: bool,
    /// The address of the last page view, fragment cut.
    place: RefCell<String>,
    pub(super) views: RefCell<Option<Rc<Views>>>,
    pub(super) listeners: RefCell<Vec<Listener>>,
    requests: RefCell<Vec<Pending>>,
    wake: RefCell<Option<(u64, Timer)>>,
    route: RefCell<Option<Timer>>,
    off: Cell<bool>,
}

impl Runtime {
    pub(super) fn new(window: JsValue, options: Options) -> Rc<Self> {
        let key = call2(&window, "encodeURIComponent", &options.key.as_str().into(), &JsValue::UNDEFINED);
        let store = Store::new(options.key);
        let mut settings = options.settings;
        settings.private = device::asks_for_privacy(&window);
        let (seed, now) = (clock::seed(&window), clock::now(&window));
        let core = Tracker::new(settings, &device::context(&window), store.load(&window), seed, now);
        let runtime = Rc::new(Self {
            window,
            core: RefCell::new(core),
            store,
            url: [&options.endpoint, "/v1/events?key=", &key.as_string().unwrap_or_default(), "&priority="]
                .concat(),
            debug: options.debug,
            place: RefCell::default(),
            views: RefCell::default(),
            listeners: RefCell::default(),
            requests: RefCell::default(),
            wake: RefCell::default(),
            route: RefCell::default(),
            off: Cell::new(false),
        });
        if let Some(Err(violations)) = options.user_id.map(|id| runtime.core.borrow_mut().set_user(id)) {
            runtime.explain("userId", &violations);
        }
        // Until the first page view is told, events belong to the page as it stands.
        runtime.start_page();
        runtime
    }

    /// Hears from the page.
    pub(super) fn receive(self: &Rc<Self>, input: &Input, value: &JsValue) {
        if self.off.get() && !matches!(input, Input::Settled(_)) {
            return;
        }
        let views = self.views.borrow().clone();
        match (input, views) {
            (Input::Click, _) => clicks::clicked(self, &call(value, "composedPath"), None),
            (Input::Route, _) => {
                self.route.replace(Some(Timer::new(self, 0, Input::Routed)));
            }
            (Input::Routed, _) if *self.place.borrow() != self.address() => self.view_page(None, None),
            (Input::Return, _) if flag(value, "persisted") => self.view_page(None, None),
            (Input::Leave, _) => self.leave(true),
            (Input::VisibilityChange, _) if lifecycle::is_hidden(self) => self.leave(false),
            (Input::Show | Input::VisibilityChange, views) => {
                if let Some(views) = views {
                    views.resume(self);
                }
                self.tell(Tracker::resume);
            }
            (Input::AnotherTabWrote, _) => {
                if let Some(slot) = text(value, "key").and_then(|key| self.store.shared_slot(&key)) {
                    self.tell(|core, _| core.remembered(slot, text(value, "newValue").as_deref()));
                }
            }
            (Input::Visibility, Some(views)) => views.changed(self, value),
            (Input::PageChanged, Some(views)) => views.search_soon(self),
            (Input::Search, Some(views)) => views.search(self),
            (Input::Seen(element), Some(views)) => views.seen(self, element),
            (Input::Response(exchange), _) => match fetch::read(self, *exchange, value) {
                Some(pending) => self.requests.borrow_mut().push(pending),
                None => self.settle(*exchange, value),
            },
            (Input::Settled(exchange), _) => self.settle(*exchange, value),
            (Input::Wake, _) => {
                self.wake.take();
                self.tell(Tracker::wake);
            }
            _ => {}
        }
    }

    /// Records an event, or says in debug why not.
    pub(super) fn record(self: &Rc<Self>, event: Event) {
        let name = event.name.clone();
        if let Some(Err(violations)) = self.tell(|core, now| core.record(event, now)) {
            self.explain(name.as_deref().unwrap_or("the event"), &violations);
        }
    }

    /// Begins a view of a page and records it.
    pub(super) fn view_page(self: &Rc<Self>, properties: Option<Json>, at_ms: Option<i64>) {
        self.start_page();
        if let Some(views) = &*self.views.borrow() {
            views.restart(self);
        }
        self.record(Event { kind: EventType::Page, properties, timestamp: at_ms, ..Event::default() });
    }

    pub(super) fn identify(self: &Rc<Self>, user_id: String, traits: Option<Json>) {
        if let Some(Err(violations)) = self.tell(|core, now| core.identify(user_id, traits, now)) {
            self.explain("identify", &violations);
        }
    }

    pub(super) fn flush(self: &Rc<Self>) {
        self.tell(Tracker::flush);
    }

    /// Sends what is here, takes off all that listens, and does nothing from now on.
    pub(super) fn stop(self: &Rc<Self>) {
        self.leave(true);
        self.off.set(true);
        // Requests under way keep their callbacks until they are settled: a promise cannot be told to forget them.
        self.listeners.take();
        self.views.take();
        self.wake.take();
        self.route.take();
    }

    /// What is known from outside, as JSON.
    pub(super) fn state(&self) -> String {
        self.core.borrow().state().to_json()
    }

    pub(super) fn document(&self) -> JsValue {
        get(&self.window, "document")
    }

    /// Scheme, host and port of the page.
    pub(super) fn origin(&self) -> String {
        text(&get(&self.window, "location"), "origin").unwrap_or_default()
    }

    /// Says a sentence to the developer in debug.
    pub(super) fn say(&self, sentence: &str) {
        if self.debug {
            call2(&get(&self.window, "console"), "warn", &"[footfall]".into(), &sentence.into());
        }
    }

    fn explain(&self, what: &str, violations: &[Violation]) {
        for violation in violations {
            self.say(&[what, " was refused: ", &violation.message].concat());
        }
    }

    fn address(&self) -> String {
        let href = text(&get(&self.window, "location"), "href").unwrap_or_default();
        address::without_fragment(&href).to_owned()
    }

    fn start_page(self: &Rc<Self>) {
        let (document, url) = (self.document(), self.address());
        let before = self.place.replace(url.clone());
        // Within a single-page app the page before is the app's own last one.
        let referrer =
            if before.is_empty() || before == url { text(&document, "referrer") } else { Some(before) };
        let page = Page {
            url: Some(address::scrubbed(&url)),
            path: Some(address::target(&url, &self.origin())),
            title: some_text(&document, "title"),
            referrer: referrer
                .filter(|referrer| !referrer.is_empty())
                .map(|referrer| address::scrubbed(&referrer)),
        };
        self.tell(|core, now| core.start_page(page, now));
    }

    fn leave(self: &Rc<Self>, gone: bool) {
        if let Some(views) = &*self.views.borrow() {
            views.pause();
        }
        self.tell(|core, now| core.leave(gone, now));
    }

    fn settle(self: &Rc<Self>, exchange: Exchange, answer: &JsValue) {
        // The callback that runs now is among them; it is freed when it returns.
        self.requests.borrow_mut().retain(|pending| pending.handle != exchange.handle);
        fetch::in_words(exchange, answer, |line| self.say(line));
        self.tell(|core, now| core.answered(exchange.handle, &fetch::outcome(exchange, answer), now));
    }

    /// Passes something to the core and carries out what it then wants. `None` once the tracker is off.
    fn tell<T>(self: &Rc<Self>, input: impl FnOnce(&mut Tracker, Now) -> T) -> Option<T> {
        if self.off.get() {
            return None;
        }
        let result = input(&mut self.core.borrow_mut(), clock::now(&self.window));
        self.carry_out();
        Some(result)
    }

    fn carry_out(self: &Rc<Self>) {
        loop {
            let commands = self.core.borrow_mut().take_commands();
            if commands.is_empty() {
                break;
            }
            for command in commands {
                match command {
                    Command::Remember { slot, value } => self.store.remember(&self.window, slot, value),
                    Command::Send { handle, transport, priority, body } => {
                        let url = [&self.url, priority.as_str()].concat();
                        self.send(handle, transport, &url, &body);
                    }
                }
            }
        }
        self.set_timer();
    }

    fn send(self: &Rc<Self>, handle: u32, transport: Transport, url: &str, body: &str) {
        match transport {
            Transport::Fetch => match fetch::send(self, handle, url, body) {
                Some(pending) => self.requests.borrow_mut().push(pending),
                None => self.core.borrow_mut().answered(
                    handle,
                    &crate::core::Outcome::Unreachable,
                    clock::now(&self.window),
                ),
            },
            Transport::Beacon => {
                let taken = beacon::send(&self.window, url, body);
                self.core.borrow_mut().beaconed(handle, taken, clock::now(&self.window));
            }
        }
    }

    /// Keeps one timer, for the core's next wake-up.
    fn set_timer(self: &Rc<Self>) {
        let next = self.core.borrow().next_wake();
        let mut wake = self.wake.borrow_mut();
        if wake.as_ref().map(|(at, _)| *at) != next {
            *wake = next.map(|at| {
                let delay = at.saturating_sub(clock::now(&self.window).monotonic_ms).min(i32::MAX as u64);
                (at, Timer::new(self, delay as u32, Input::Wake))
            });
        }
    }
}
