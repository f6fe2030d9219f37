// The panel "What Footfall just saw": the events that the ingest server has accepted from this browser.
// How one event is shown is left to record-row.js.
import { footfall } from './footfall-ready.js'
import { rowOf } from './record-row.js'

const KEPT = 50
const MEMORY = 'live-panel.records'
const OPEN = 'live-panel.open'

const panel = document.querySelector('#live-panel')
const status = document.querySelector('#live-status')
const list = document.querySelector('#live-events')
const count = document.querySelector('#live-count')

/** Newest first; kept over a page change so that the list does not blink. */
let records = recall('sessionStorage', MEMORY, [])
let source

panel.open = recall('localStorage', OPEN, matchMedia('(min-width: 70rem)').matches)
// Only a choice is remembered, not the default: a window may be narrow today and wide tomorrow.
panel.firstElementChild.addEventListener('click', () => remember('localStorage', OPEN, !panel.open))
list.replaceChildren(...records.map((record) => rowOf(record)))
count.textContent = records.length || ''

const anonymousId = await ownId()
if (anonymousId) {
  watch()
  // A browser allows six connections to one host: a page that nobody looks at gives its own back.
  document.addEventListener('visibilitychange', () => (document.hidden ? unwatch() : watch()))
  addEventListener('pagehide', unwatch)
  addEventListener('pageshow', watch)
}

async function ownId() {
  say('Waiting for Footfall to start …')
  const sdk = await footfall
  if (!sdk) {
    say('Footfall’s script did not load: the ingest server is not running, or a blocker stopped it. The forum works without it.', 'off')
    return null
  }
  try {
    if (!(await sdk.ready())) {
      say('Footfall did not start on this page; a smaller tracker sends its clicks.', 'off')
      return null
    }
    const id = sdk.anonymousId()
    if (!id) say('Footfall keeps no id for this browser, because the browser asks not to be tracked. So there is nothing to show here.', 'off')
    return id
  } catch (error) {
    say(`Footfall did not start: ${error.message}`, 'off')
    return null
  }
}

function watch() {
  if (source || document.hidden) return
  say('Connecting …')
  source = new EventSource(`/live?anonymous_id=${encodeURIComponent(anonymousId)}`)
  // The forum says `connected` when it has reached the ingest server; `open` would only say that it answered.
  source.addEventListener('connected', () => say(records.length ? 'Live' : 'Live: click on something.', 'on'))
  source.addEventListener('accepted', (message) => {
    say('Live', 'on')
    add(JSON.parse(message.data))
  })
  source.addEventListener('missed', () => say('Events came faster than they can be shown; some are left out here. All are stored.', 'on'))
  source.addEventListener('unavailable', (message) => say(sentence(message.data), 'off'))
  source.addEventListener('error', () => {
    // The stream of an unavailable server ends at once, which has been said already.
    if (status.dataset.state !== 'off') say('Live view not reachable, retrying …', 'off')
    // An answer that is no stream ends an EventSource for good; ask again by hand.
    if (source?.readyState === EventSource.CLOSED) {
      unwatch()
      setTimeout(watch, 2000)
    }
  })
}

function unwatch() {
  source?.close()
  source = undefined
}

function add(record) {
  if (records.some(({ event_id }) => event_id === record.event_id)) return
  records = [record, ...records].slice(0, KEPT)
  remember('sessionStorage', MEMORY, records)
  list.prepend(rowOf(record, true))
  while (list.children.length > KEPT) list.lastElementChild.remove()
  count.textContent = records.length
}

function say(words, state = 'wait') {
  if (status.textContent !== words) status.textContent = words
  status.dataset.state = state
  panel.dataset.state = state
}

function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} …`
}

function recall(storage, key, otherwise) {
  try {
    return JSON.parse(window[storage].getItem(key)) ?? otherwise
  } catch {
    return otherwise
  }
}

function remember(storage, key, value) {
  try {
    window[storage].setItem(key, JSON.stringify(value))
  } catch {
    // Storage is full or forbidden (then even naming it throws): the panel forgets, and nothing else is lost.
  }
}
