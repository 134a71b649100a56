//! The kernel calls that no command may make, as a filter that bubblewrap installs when its walls stand, or a process
//! for itself where there are none.
//!
//! Everything else is allowed: a list of what toolchains need would be wrong with their next version. What is missing
//! is refused as a kernel refuses it that lacks or forbids it, so that programs take the other way they have.

use std::io::{Seek, Write};
use std::os::fd::OwnedFd;

use libc::{
    AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD,
    BPF_RET, BPF_W, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER,
    CLONE_NEWUTS, EAFNOSUPPORT, ENOSYS, EPERM, NETLINK_ROUTE, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
    TIOCLINUX, TIOCSTI, c_int, c_long,
};

/// As audits name it; another word size of the same processor has calls by other numbers.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;
#[cfg(target_arch = "riscv64")]
const ARCHITECTURE: u32 = 0xC000_00F3;

/// From here on x86-64 has the calls of a third kind of program.
const X32: u32 = 0x4000_0000;

/// Absent: they reach far into the kernel, around what else is watched here, or to keys.
const ABSENT: [c_long; 9] = [
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    libc::SYS_bpf,
    // What it is asked lies in memory, where no filter looks; the C library then takes the older call.
    libc::SYS_clone3,
];

/// Forbidden: of no use without a capability, and nobody has one here.
const FORBIDDEN: [c_long; 26] = [
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_perf_event_open,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
];

/// Where no walls stand these do nothing and say that they did: modes and times of others' files are nothing that Landlock
/// watches, no filter sees whose file it is, and too many programs end when they cannot set those of their own.
const QUIET_ALONE: [c_long; 4] = [libc::SYS_fchmod, libc::SYS_fchmodat, FCHMODAT2, libc::SYS_utimensat];
/// Forbidden there: they change what else belongs to others, or reach processes and memory that a namespace would hide.
const FORBIDDEN_ALONE: [c_long; 24] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setattr,
];
const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const FILE_SETATTR: c_long = 469;
/// What they were called before, where that is still there.
#[cfg(target_arch = "x86_64")]
const OLDER_ALONE: ([c_long; 4], [c_long; 2]) = (
    [libc::SYS_chmod, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat],
    [libc::SYS_chown, libc::SYS_lchown],
);
#[cfg(not(target_arch = "x86_64"))]
const OLDER_ALONE: ([c_long; 0], [c_long; 0]) = ([], []);
/// Of `ioctl`: attributes of a file that only its owner may change (`FS_IOC_SETFLAGS`, `FS_IOC_FSSETXATTR`).
const ATTRIBUTES: [u32; 2] = [0x4008_6602, 0x401C_5820];

const NAMESPACES: c_int =
    CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;

const NUMBER: u32 = 0;
const PROCESSOR: u32 = 4;
/// The lower half of an argument; the processors above all begin with it.
const ARGUMENTS: [u32; 3] = [16, 24, 32];

/// One instruction: what it does, how many of the next to leave out when it holds and when not, and its number.
type Step = (u32, u8, u8, u32);

const ALLOW: Step = (BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);

/// A file in memory with the filter, as bubblewrap reads it.
pub fn filter() -> Result<OwnedFd, String> {
    let written = || -> std::io::Result<OwnedFd> {
        let memory = rustix::fs::memfd_create(c"calls", rustix::fs::MemfdFlags::empty())?;
        let mut file = std::fs::File::from(memory);
        file.write_all(&bytes(&steps(false)))?;
        file.rewind()?;
        Ok(file.into())
    };
    written().map_err(|error| format!("the filter of kernel calls could not be written: {error}"))
}

/// Has this process and all that it becomes refused what only walls would make harmless, beside all else.
#[expect(unsafe_code, reason = "no wrapper knows this call")]
pub fn refuse_alone() -> Result<(), String> {
    let code: Vec<libc::sock_filter> = steps(true)
        .into_iter()
        .map(|(code, jt, jf, k)| libc::sock_filter {
            code: u16::try_from(code).expect("codes are small"),
            jt,
            jf,
            k,
        })
        .collect();
    let length = u16::try_from(code.len()).expect("few steps");
    let program = libc::sock_fprog { len: length, filter: code.as_ptr().cast_mut() };
    let flags: libc::c_ulong = 0;
    // SAFETY: the kernel reads the program, whose steps live until it returns, and nothing is written.
    let done =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    if done == 0 {
        return Ok(());
    }
    Err(format!("the filter of kernel calls is refused: {}", std::io::Error::last_os_error()))
}

/// `alone`: no walls stand around the command.
fn steps(alone: bool) -> Vec<Step> {
    let mut steps = vec![load(PROCESSOR), when_equal(ARCHITECTURE, 1, 0), refuse(ENOSYS), load(NUMBER)];
    if cfg!(target_arch = "x86_64") {
        steps.extend([(BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32), refuse(ENOSYS)]);
    }
    for (calls, error) in [(&ABSENT[..], ENOSYS), (&FORBIDDEN[..], EPERM)] {
        for call in calls {
            steps.extend(on(*call, vec![refuse(error)]));
        }
    }
    if alone {
        for call in QUIET_ALONE.iter().chain(&OLDER_ALONE.0) {
            steps.extend(on(*call, vec![refuse(0)]));
        }
        for call in FORBIDDEN_ALONE.iter().chain(&OLDER_ALONE.1) {
            steps.extend(on(*call, vec![refuse(EPERM)]));
        }
        steps.extend(on(
            libc::SYS_prlimit64,
            vec![load(ARGUMENTS[0]), when_equal(0, 1, 0), refuse(EPERM), ALLOW],
        ));
        for attribute in ATTRIBUTES {
            let refused = vec![load(ARGUMENTS[1]), when_equal(attribute, 0, 1), refuse(EPERM), load(NUMBER)];
            steps.extend(on(libc::SYS_ioctl, refused));
        }
    }
    for call in [libc::SYS_clone, libc::SYS_unshare] {
        let any_of_these = (BPF_JMP | BPF_JSET | BPF_K, 0, 1, number(NAMESPACES));
        steps.extend(on(call, vec![load(ARGUMENTS[0]), any_of_these, refuse(EPERM), ALLOW]));
    }
    // Words put into a terminal as if somebody typed them.
    let typed = [when_equal(number(TIOCSTI), 1, 0), when_equal(number(TIOCLINUX), 0, 1)];
    steps.extend(on(libc::SYS_ioctl, vec![load(ARGUMENTS[1]), typed[0], typed[1], refuse(EPERM), ALLOW]));
    // A socket with a path is reached wherever files are.
    let sockets = if alone { vec![refuse(EAFNOSUPPORT)] } else { sockets() };
    steps.extend(on(libc::SYS_socket, sockets));
    steps.push(ALLOW);
    steps
}

/// Sockets of this machine and of the internet, and the question which network interfaces there are.
fn sockets() -> Vec<Step> {
    vec![
        load(ARGUMENTS[0]),
        when_equal(number(AF_UNIX), 5, 0),
        when_equal(number(AF_INET), 4, 0),
        when_equal(number(AF_INET6), 3, 0),
        when_equal(number(AF_NETLINK), 0, 3),
        load(ARGUMENTS[2]),
        when_equal(number(NETLINK_ROUTE), 0, 1),
        ALLOW,
        refuse(EAFNOSUPPORT),
    ]
}

/// What is done for one call; it has to end with an answer, or with the number of the call as it was.
fn on(call: c_long, what: Vec<Step>) -> Vec<Step> {
    let past = u8::try_from(what.len()).expect("few steps");
    std::iter::once(when_equal(number(call), 0, past)).chain(what).collect()
}

fn load(offset: u32) -> Step {
    (BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)
}

fn when_equal(to: u32, leave_out: u8, otherwise: u8) -> Step {
    (BPF_JMP | BPF_JEQ | BPF_K, leave_out, otherwise, to)
}

fn refuse(error: c_int) -> Step {
    (BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | number(error))
}

fn number<T: TryInto<u32, Error: std::fmt::Debug>>(constant: T) -> u32 {
    constant.try_into().expect("constants of the kernel are small")
}

fn bytes(steps: &[Step]) -> Vec<u8> {
    let bytes = |&(code, jump, otherwise, value): &Step| {
        let [low, high] = u16::try_from(code).expect("codes are small").to_ne_bytes();
        let [a, b, c, d] = value.to_ne_bytes();
        [low, high, jump, otherwise, a, b, c, d]
    };
    steps.iter().flat_map(bytes).collect()
}
