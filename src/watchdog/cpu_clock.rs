//! The processor time of one thread, read from any other.

use std::time::Duration;

/// The clock of the thread that made it.
#[derive(Debug)]
pub(super) struct CpuClock(platform::Clock);

impl CpuClock {
    /// The present thread's clock. `None` if the system has none; then no processor budget can
    /// be armed.
    pub(super) fn of_this_thread() -> Option<Self> {
        platform::Clock::of_this_thread().map(Self)
    }

    /// The processor time that the thread has used since it began; `None` once it has ended.
    pub(super) fn now(&self) -> Option<Duration> {
        self.0.now()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(unsafe_code, reason = "libc calls")]
mod platform {
    use std::mem::MaybeUninit;
    use std::time::Duration;

    /// Names the thread by its id, so it is read only while the thread's slot is armed: later
    /// another thread may have the id.
    #[derive(Debug)]
    pub(super) struct Clock(libc::clockid_t);

    impl Clock {
        pub(super) fn of_this_thread() -> Option<Self> {
            let mut clock = MaybeUninit::uninit();
            // SAFETY: `clock` may be written to, and the thread is alive: it is this one.
            let failed =
                unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), clock.as_mut_ptr()) };
            // SAFETY: written, since the call succeeded.
            (failed == 0).then(|| Self(unsafe { clock.assume_init() }))
        }

        pub(super) fn now(&self) -> Option<Duration> {
            let mut time = MaybeUninit::uninit();
            // SAFETY: `time` may be written to; an id of a thread that ended is an error.
            let failed = unsafe { libc::clock_gettime(self.0, time.as_mut_ptr()) };
            if failed != 0 {
                return None;
            }
            // SAFETY: written, since the call succeeded.
            let time = unsafe { time.assume_init() };
            let seconds = u64::try_from(time.tv_sec).ok()?;
            Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
        }
    }
}

#[cfg(target_vendor = "apple")]
#[expect(unsafe_code, reason = "Mach calls")]
mod platform {
    use std::mem::{MaybeUninit, size_of};
    use std::time::Duration;

    /// The thread's Mach port, borrowed from its pthread: valid while the thread lives.
    #[derive(Debug)]
    pub(super) struct Clock(libc::mach_port_t);

    impl Clock {
        pub(super) fn of_this_thread() -> Option<Self> {
            // SAFETY: the thread is alive: it is this one.
            Some(Self(unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) }))
        }

        pub(super) fn now(&self) -> Option<Duration> {
            let mut info = MaybeUninit::<libc::thread_basic_info>::uninit();
            let mut count = (size_of::<libc::thread_basic_info>() / size_of::<libc::integer_t>())
                as libc::mach_msg_type_number_t;
            // SAFETY: `info` has room for `count` integers; a port of no thread is an error.
            let failed = unsafe {
                libc::thread_info(
                    self.0,
                    libc::THREAD_BASIC_INFO as libc::thread_flavor_t,
                    info.as_mut_ptr().cast(),
                    &mut count,
                )
            };
            if failed != libc::KERN_SUCCESS {
                return None;
            }
            // SAFETY: written, since the call succeeded.
            let info = unsafe { info.assume_init() };
            let time = |value: libc::time_value_t| {
                Duration::new(value.seconds as u64, value.microseconds as u32 * 1000)
            };
            Some(time(info.user_time) + time(info.system_time))
        }
    }
}

#[cfg(windows)]
#[expect(unsafe_code, reason = "Windows calls")]
mod platform {
    use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
    use std::time::Duration;

    use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, FILETIME};
    use windows_sys::Win32::System::Threading::{
        GetCurrentProcess, GetCurrentThread, GetThreadTimes,
    };

    /// A handle of the thread's own: `GetCurrentThread` is a name for whoever uses it. Windows
    /// counts in steps of about 15.6 ms.
    #[derive(Debug)]
    pub(super) struct Clock(OwnedHandle);

    impl Clock {
        pub(super) fn of_this_thread() -> Option<Self> {
            let mut handle = std::ptr::null_mut();
            // SAFETY: duplicates the handle of this live thread into `handle`.
            let duplicated = unsafe {
                let process = GetCurrentProcess();
                let thread = GetCurrentThread();
                let access = DUPLICATE_SAME_ACCESS;
                DuplicateHandle(process, thread, process, &mut handle, 0, 0, access)
            };
            // SAFETY: a new handle that nobody else owns.
            (duplicated != 0).then(|| Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
        }

        pub(super) fn now(&self) -> Option<Duration> {
            let mut times = [FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 }; 4];
            let [created, ended, kernel, user] = &mut times;
            // SAFETY: the handle is ours and open; all four may be written to.
            let read =
                unsafe { GetThreadTimes(self.0.as_raw_handle(), created, ended, kernel, user) };
            let time = |time: &FILETIME| {
                let steps = u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
                Duration::from_nanos(steps * 100)
            };
            (read != 0).then(|| time(&times[2]) + time(&times[3]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_its_own_thread_and_not_the_reader() {
        let (send, receive) = std::sync::mpsc::channel();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let idle = std::thread::spawn(move || {
            send.send(CpuClock::of_this_thread().unwrap()).unwrap();
            let _ = stopped.recv();
        });
        let clock = receive.recv().unwrap();
        let before = clock.now().unwrap();
        let mine = CpuClock::of_this_thread().unwrap();
        let until = mine.now().unwrap() + Duration::from_millis(30);
        while mine.now().unwrap() < until {}
        assert!(clock.now().unwrap() - before < Duration::from_millis(20));
        drop(stop);
        idle.join().unwrap();
    }
}
