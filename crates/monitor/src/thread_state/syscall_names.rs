//! Names of system calls in which threads wait.

/// The name of a system call of this machine's architecture. `None` if the table does not have it.
pub(super) fn name(number: u64) -> Option<&'static str> {
    let column = |&(_, x86_64, aarch64): &Row| {
        if cfg!(target_arch = "x86_64") {
            x86_64
        } else if cfg!(target_arch = "aarch64") {
            aarch64
        } else {
            None
        }
    };
    TABLE.iter().find(|row| column(row).map(u64::from) == Some(number)).map(|row| row.0)
}

type Row = (&'static str, Option<u16>, Option<u16>);

/// Name, number on x86_64, number on aarch64: `asm/unistd_64.h` and `asm-generic/unistd.h` of Linux 6.1. `futex_wait`
/// is newer.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("read", Some(0), Some(63)),
    ("write", Some(1), Some(64)),
    ("open", Some(2), None),
    ("close", Some(3), Some(57)),
    ("stat", Some(4), None),
    ("fstat", Some(5), Some(80)),
    ("lstat", Some(6), None),
    ("poll", Some(7), None),
    ("lseek", Some(8), Some(62)),
    ("mmap", Some(9), Some(222)),
    ("mprotect", Some(10), Some(226)),
    ("munmap", Some(11), Some(215)),
    ("brk", Some(12), Some(214)),
    ("ioctl", Some(16), Some(29)),
    ("pread64", Some(17), Some(67)),
    ("pwrite64", Some(18), Some(68)),
    ("readv", Some(19), Some(65)),
    ("writev", Some(20), Some(66)),
    ("access", Some(21), None),
    ("select", Some(23), None),
    ("sched_yield", Some(24), Some(124)),
    ("mremap", Some(25), Some(216)),
    ("msync", Some(26), Some(227)),
    ("madvise", Some(28), Some(233)),
    ("pause", Some(34), None),
    ("nanosleep", Some(35), Some(101)),
    ("getpid", Some(39), Some(172)),
    ("sendfile", Some(40), Some(71)),
    ("connect", Some(42), Some(203)),
    ("accept", Some(43), Some(202)),
    ("sendto", Some(44), Some(206)),
    ("recvfrom", Some(45), Some(207)),
    ("sendmsg", Some(46), Some(211)),
    ("recvmsg", Some(47), Some(212)),
    ("shutdown", Some(48), Some(210)),
    ("clone", Some(56), Some(220)),
    ("execve", Some(59), Some(221)),
    ("exit", Some(60), Some(93)),
    ("wait4", Some(61), Some(260)),
    ("kill", Some(62), Some(129)),
    ("semop", Some(65), Some(193)),
    ("msgsnd", Some(69), Some(189)),
    ("msgrcv", Some(70), Some(188)),
    ("fcntl", Some(72), Some(25)),
    ("flock", Some(73), Some(32)),
    ("fsync", Some(74), Some(82)),
    ("fdatasync", Some(75), Some(83)),
    ("ftruncate", Some(77), Some(46)),
    ("rename", Some(82), None),
    ("mkdir", Some(83), None),
    ("unlink", Some(87), None),
    ("rt_sigtimedwait", Some(128), Some(137)),
    ("rt_sigsuspend", Some(130), Some(133)),
    ("statfs", Some(137), Some(43)),
    ("fstatfs", Some(138), Some(44)),
    ("sync", Some(162), Some(81)),
    ("readahead", Some(187), Some(213)),
    ("futex", Some(202), Some(98)),
    ("io_getevents", Some(208), Some(4)),
    ("io_submit", Some(209), Some(2)),
    ("getdents64", Some(217), Some(61)),
    ("restart_syscall", Some(219), Some(128)),
    ("semtimedop", Some(220), Some(192)),
    ("clock_nanosleep", Some(230), Some(115)),
    ("exit_group", Some(231), Some(94)),
    ("epoll_wait", Some(232), None),
    ("tgkill", Some(234), Some(131)),
    ("mq_timedsend", Some(242), Some(182)),
    ("mq_timedreceive", Some(243), Some(183)),
    ("waitid", Some(247), Some(95)),
    ("inotify_add_watch", Some(254), Some(27)),
    ("openat", Some(257), Some(56)),
    ("mkdirat", Some(258), Some(34)),
    ("newfstatat", Some(262), Some(79)),
    ("unlinkat", Some(263), Some(35)),
    ("renameat", Some(264), Some(38)),
    ("faccessat", Some(269), Some(48)),
    ("pselect6", Some(270), Some(72)),
    ("ppoll", Some(271), Some(73)),
    ("splice", Some(275), Some(76)),
    ("tee", Some(276), Some(77)),
    ("sync_file_range", Some(277), Some(84)),
    ("vmsplice", Some(278), Some(75)),
    ("epoll_pwait", Some(281), Some(22)),
    ("fallocate", Some(285), Some(47)),
    ("accept4", Some(288), Some(242)),
    ("dup3", Some(292), Some(24)),
    ("preadv", Some(295), Some(69)),
    ("pwritev", Some(296), Some(70)),
    ("recvmmsg", Some(299), Some(243)),
    ("syncfs", Some(306), Some(267)),
    ("sendmmsg", Some(307), Some(269)),
    ("process_vm_readv", Some(310), Some(270)),
    ("renameat2", Some(316), Some(276)),
    ("getrandom", Some(318), Some(278)),
    ("userfaultfd", Some(323), Some(282)),
    ("membarrier", Some(324), Some(283)),
    ("copy_file_range", Some(326), Some(285)),
    ("preadv2", Some(327), Some(286)),
    ("pwritev2", Some(328), Some(287)),
    ("statx", Some(332), Some(291)),
    ("io_pgetevents", Some(333), Some(292)),
    ("io_uring_enter", Some(426), Some(426)),
    ("clone3", Some(435), Some(435)),
    ("close_range", Some(436), Some(436)),
    ("openat2", Some(437), Some(437)),
    ("epoll_pwait2", Some(441), Some(441)),
    ("futex_waitv", Some(449), Some(449)),
    ("futex_wait", Some(455), Some(455)),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_number_and_no_name_stands_twice() {
        let mut seen = HashSet::new();
        for &(name, x86_64, aarch64) in TABLE {
            assert!(seen.insert(("name", name.to_owned())), "{name}");
            assert!(x86_64.is_none_or(|number| seen.insert(("x86_64", number.to_string()))), "{name}");
            assert!(aarch64.is_none_or(|number| seen.insert(("aarch64", number.to_string()))), "{name}");
            assert!(x86_64.or(aarch64).is_some(), "{name}");
        }
    }

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn numbers_belong_to_this_architecture() {
        let futex = if cfg!(target_arch = "x86_64") { 202 } else { 98 };
        assert_eq!(name(futex), Some("futex"));
        assert_eq!(name(9_999), None);
    }
}
