//! A wall clock that jumps, for this process alone: the C library's calls that tell it, or wait by it, are answered here.
//! Rust's own clocks and librdkafka, which is linked into this program, ask by these calls; the monotonic clock goes on.
#![allow(unsafe_code, reason = "functions in place of the C library's")]

use std::sync::atomic::{AtomicI64, AtomicPtr, Ordering};
use std::time::{Duration, SystemTime};

use libc::{c_int, clockid_t, pthread_cond_t, pthread_mutex_t, time_t, timespec, timeval};

use super::block_on;
use super::lent::Broker;
use super::load::Load;
use super::row::{judge, open, pass, topic, wait_for_more};
use super::support::wait_until_healthy;
use super::verdict::Verdict;

/// By how much the wall clock is ahead, in seconds.
static AHEAD_S: AtomicI64 = AtomicI64::new(0);

/// How soon a thread that waits by the wall clock finds that it has jumped. The kernel would wake it at once.
const LOOK_NS: i64 = 20_000_000;

const SECOND_NS: i64 = 1_000_000_000;

unsafe extern "C" {
    fn pthread_cond_clockwait(
        condition: *mut pthread_cond_t,
        mutex: *mut pthread_mutex_t,
        clock: clockid_t,
        until: *const timespec,
    ) -> c_int;
}

type ClockGettime = unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int;

/// The C library's own, which needs no system call.
fn real_clock_gettime() -> ClockGettime {
    static FOUND: AtomicPtr<libc::c_void> = AtomicPtr::new(std::ptr::null_mut());
    let mut found = FOUND.load(Ordering::Relaxed);
    if found.is_null() {
        // SAFETY: the name ends with a NUL.
        found = unsafe { libc::dlsym(libc::RTLD_NEXT, c"clock_gettime".as_ptr()) };
        FOUND.store(found, Ordering::Relaxed);
    }
    assert!(!found.is_null());
    // SAFETY: the C library's function of this name has this signature (POSIX).
    unsafe { std::mem::transmute::<*mut libc::c_void, ClockGettime>(found) }
}

/// # Safety
///
/// As POSIX has it: `now` can be written to. The same holds for what follows.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, now: *mut timespec) -> c_int {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        let result = real_clock_gettime()(clock, now);
        if result == 0 && matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE) {
            (*now).tv_sec += AHEAD_S.load(Ordering::Relaxed);
        }
        result
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(now: *mut timeval, _zone: *mut libc::c_void) -> c_int {
    let told = read(libc::CLOCK_REALTIME);
    // SAFETY: the caller's promise.
    unsafe { *now = timeval { tv_sec: told.tv_sec, tv_usec: told.tv_nsec / 1000 } };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn time(now: *mut time_t) -> time_t {
    let told = read(libc::CLOCK_REALTIME).tv_sec;
    if !now.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *now = told };
    }
    told
}

/// Waits by the wall clock as the kernel does: a jump forward ends the wait, a jump back makes it longer.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_timedwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    until: *const timespec,
) -> c_int {
    // SAFETY: the caller's promise: all three are valid, and the mutex is held.
    unsafe {
        let left = nanoseconds(*until) - nanoseconds(read(libc::CLOCK_REALTIME));
        if left <= 0 {
            return libc::ETIMEDOUT;
        }
        let look = nanoseconds(read(libc::CLOCK_MONOTONIC)) + left.min(LOOK_NS);
        let look = timespec { tv_sec: look / SECOND_NS, tv_nsec: look % SECOND_NS };
        match pthread_cond_clockwait(condition, mutex, libc::CLOCK_MONOTONIC, &raw const look) {
            // A wake-up for nothing, which callers must expect: what it waits for may have come just now, and only the
            // caller can see that.
            libc::ETIMEDOUT => 0,
            result => result,
        }
    }
}

/// The same by the name that C has for it, which is librdkafka's; glibc's conditions and mutexes are one with POSIX's.
#[unsafe(no_mangle)]
unsafe extern "C" fn cnd_timedwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    until: *const timespec,
) -> c_int {
    // SAFETY: the caller's promise is passed on.
    match unsafe { pthread_cond_timedwait(condition, mutex, until) } {
        0 => THRD_SUCCESS,
        libc::ETIMEDOUT => THRD_TIMEDOUT,
        _ => THRD_ERROR,
    }
}

/// What that returns, by glibc's `threads.h`.
const THRD_SUCCESS: c_int = 0;
const THRD_ERROR: c_int = 2;
const THRD_TIMEDOUT: c_int = 4;

fn read(clock: clockid_t) -> timespec {
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` can be written to.
    unsafe { clock_gettime(clock, &raw mut now) };
    now
}

fn nanoseconds(time: timespec) -> i64 {
    time.tv_sec * SECOND_NS + time.tv_nsec
}

/// Sets the wall clock so far ahead of the machine's, or back where it is negative.
fn set_ahead(hours: i64) {
    let before = SystemTime::now();
    AHEAD_S.store(hours * 3600, Ordering::Relaxed);
    let after = SystemTime::now();
    let jump = after.duration_since(before).unwrap_or_else(|back| back.duration());
    assert!(jump > Duration::from_secs(1800), "the clock did not jump: {jump:?}");
}

/// However the row ends, the next one has the machine's time.
struct PutRight;

impl Drop for PutRight {
    fn drop(&mut self) {
        AHEAD_S.store(0, Ordering::Relaxed);
    }
}

/// An hour ahead, then back and put right while the broker is silent: no request waits by the wall clock, and nothing is
/// lost by it.
pub(crate) fn jumps(name: &'static str) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let opened = open(&kafka);
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        let _put_right = PutRight;
        wait_for_more(&load, 2_000).await;
        set_ahead(1);
        wait_for_more(&load, 2_000).await;
        for hours in [-1, 0] {
            kafka.pause();
            // By now no report wakes the threads of librdkafka: each waits for its own moment.
            pass(Duration::from_millis(500)).await;
            set_ahead(hours);
            pass(Duration::from_secs(5)).await;
            // What librdkafka itself waits for on its way back, it waits for as long as the clock was set back.
            set_ahead(1);
            kafka.resume();
            wait_until_healthy(&opened).await;
            wait_for_more(&load, 2_000).await;
        }
        set_ahead(0);
        wait_for_more(&load, 2_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.in_journal > 1_000, "the journal did not take over");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}
