//! SQLite's own way to the disk with an observer in between, as the default of this process. What is observed, and which
//! calls are refused, is `recorder`'s.
#![allow(
    unsafe_code,
    reason = "a VFS is a table of C functions, which SQLite calls with pointers of its own"
)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use rusqlite::ffi as c;

use super::recorder::{OpenFile, Write, file_of, is_watched};

/// SQLite's own VFS for this system.
static REAL: AtomicPtr<c::sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// A file as SQLite has it; the real one stands behind it in the same memory.
#[repr(C)]
struct File {
    base: c::sqlite3_file,
    /// What is known of it; null where its directory is not watched.
    open: *mut OpenFile,
}

/// Stands in front of the real VFS from now on, for every connection that is opened.
pub(crate) fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: SQLite's default VFS lives as long as the process. Ours is a copy with another name and size that is never
        // freed; the functions that are not replaced look at no more of it than what is copied.
        unsafe {
            let real = c::sqlite3_vfs_find(ptr::null());
            assert!(!real.is_null());
            REAL.store(real, Ordering::Release);
            let mut ours = *real;
            ours.zName = c"observed".as_ptr();
            ours.pNext = ptr::null_mut();
            ours.szOsFile = (*real).szOsFile + size_of::<File>() as c_int;
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            assert_eq!(c::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), c::SQLITE_OK);
        }
    });
}

/// All but what is observed is passed on. Version 2: without `xFetch`, since the journal maps nothing into memory.
static METHODS: c::sqlite3_io_methods = c::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
///
/// `file` is one that [`open`] was given.
unsafe fn real(file: *mut c::sqlite3_file) -> *mut c::sqlite3_file {
    // SAFETY: SQLite gave as much memory as `szOsFile` says, of which ours is the first part.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// # Safety
///
/// `file` is one that [`open`] has opened and that is not closed.
unsafe fn opened<'f>(file: *mut c::sqlite3_file) -> Option<&'f OpenFile> {
    // SAFETY: what it points to is freed by `close` alone.
    unsafe { (*file.cast::<File>()).open.as_ref() }
}

/// Calls the real file's method of this name.
macro_rules! pass_on {
    ($file:ident . $method:ident ( $($argument:expr),* )) => {{
        // SAFETY: SQLite calls this with a file that it has opened, whose real one is open too; arguments are SQLite's own.
        unsafe {
            let real = real($file);
            (*(*real).pMethods).$method.unwrap()(real $(, $argument)*)
        }
    }};
}

/// Methods that are passed on as they are.
macro_rules! passed_on {
    ($($name:ident = $method:ident ( $($argument:ident : $type:ty),* ) -> $out:ty;)*) => {$(
        unsafe extern "C" fn $name(file: *mut c::sqlite3_file $(, $argument: $type)*) -> $out {
            pass_on!(file.$method($($argument),*))
        }
    )*};
}

passed_on! {
    file_size = xFileSize(size: *mut i64) -> c_int;
    lock = xLock(level: c_int) -> c_int;
    unlock = xUnlock(level: c_int) -> c_int;
    check_reserved_lock = xCheckReservedLock(held: *mut c_int) -> c_int;
    file_control = xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size = xSectorSize() -> c_int;
    device_characteristics = xDeviceCharacteristics() -> c_int;
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, memory: *mut *mut c_void) -> c_int;
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier = xShmBarrier() -> ();
    shm_unmap = xShmUnmap(delete: c_int) -> c_int;
}

unsafe extern "C" fn open(
    _: *mut c::sqlite3_vfs,
    name: c::sqlite3_filename,
    file: *mut c::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `file` is memory of `szOsFile` bytes, `name` null or a path; the real VFS gets what SQLite gave.
    unsafe {
        let ours = file.cast::<File>();
        (*ours).base.pMethods = ptr::null();
        (*ours).open = ptr::null_mut();
        let path = (!name.is_null()).then(|| Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())));
        let was_there = path.is_some_and(Path::exists);
        let vfs = REAL.load(Ordering::Acquire);
        let code = (*vfs).xOpen.unwrap()(vfs, name, real(file), flags, out_flags);
        if (*real(file)).pMethods.is_null() {
            return code;
        }
        (*ours).base.pMethods = &raw const METHODS;
        // SQLite's own syncs the directory with the first fsync of a journal or log that it has made.
        let journals = c::SQLITE_OPEN_MAIN_JOURNAL | c::SQLITE_OPEN_SUPER_JOURNAL | c::SQLITE_OPEN_WAL;
        let is_made = !was_there && flags & c::SQLITE_OPEN_CREATE != 0;
        let syncs_directory = is_made && flags & journals != 0;
        if let Some(open) = path.and_then(|path| file_of(path, is_made, syncs_directory)) {
            (*ours).open = Box::into_raw(Box::new(open));
        }
        code
    }
}

unsafe extern "C" fn close(file: *mut c::sqlite3_file) -> c_int {
    let code = pass_on!(file.xClose());
    // SAFETY: made by `Box::into_raw` in `open`, and SQLite closes a file once.
    unsafe {
        let open = (*file.cast::<File>()).open;
        if !open.is_null() {
            drop(Box::from_raw(open));
        }
    }
    code
}

unsafe extern "C" fn read(file: *mut c::sqlite3_file, into: *mut c_void, bytes: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite's own open file.
    match unsafe { opened(file) } {
        Some(open) if open.refuses_read() => c::SQLITE_IOERR_READ,
        _ => pass_on!(file.xRead(into, bytes, offset)),
    }
}

unsafe extern "C" fn write(
    file: *mut c::sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite's own open file, and `bytes` bytes that it wants written.
    if let Some(open) = unsafe { opened(file) } {
        let written = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), bytes as usize) };
        match open.takes_write(offset as usize, written) {
            Write::Taken => {}
            Write::Failed => return c::SQLITE_IOERR_WRITE,
            Write::Full => return c::SQLITE_FULL,
        }
    }
    pass_on!(file.xWrite(from, bytes, offset))
}

unsafe extern "C" fn truncate(file: *mut c::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite's own open file.
    if let Some(open) = unsafe { opened(file) } {
        open.truncated(size as usize);
    }
    pass_on!(file.xTruncate(size))
}

unsafe extern "C" fn sync(file: *mut c::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite's own open file.
    match unsafe { opened(file) } {
        // What reaches the disk is the recording's to say, so that nobody need wait for the real one.
        Some(open) if open.takes_sync() => c::SQLITE_OK,
        Some(_) => c::SQLITE_IOERR_FSYNC,
        None => pass_on!(file.xSync(flags)),
    }
}

unsafe extern "C" fn delete(_: *mut c::sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    // SAFETY: a path of SQLite's.
    unsafe {
        let path = Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()));
        let watched = is_watched(path);
        let vfs = REAL.load(Ordering::Acquire);
        let sync_directly = if watched.is_some() { 0 } else { sync_directory };
        let code = (*vfs).xDelete.unwrap()(vfs, name, sync_directly);
        if let (c::SQLITE_OK, Some(disk)) = (code, watched) {
            disk.deleted(path, sync_directory != 0);
        }
        code
    }
}
