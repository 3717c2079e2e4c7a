"""Linux's seccomp: calls to the system that an engine has no use for are refused, whatever asks for them."""

import ctypes
import errno
import os
import platform
import struct
import sys

NONE = -1  # this kind of machine has no such call
# The numbers of each call on x86-64 and on 64-bit ARM
REFUSED = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, NONE), "vfork": (58, NONE),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432),
    "open_by_handle_at": (304, 265), "init_module": (175, 105), "finit_module": (313, 273), "kexec_load": (246, 104),
    # which Landlock leaves free
    "chmod": (90, NONE), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, NONE), "fchown": (93, 55), "lchown": (94, NONE), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
}  # fmt: skip
CLONE, CLONE3, TGKILL = (56, 220), (435, 435), (234, 131)
SECCOMP = (317, 277)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # a column of the numbers, and what the kernel calls it
A_THREAD = 0x10000  # CLONE_THREAD
LISTENING = ("socket", "bind", "listen")
WITHIN, IN_PACKETS, KIND = 1, 5, 0xF  # AF_UNIX, SOCK_SEQPACKET, and which bits of that argument say so
NUMBER, MACHINE, FIRST, SECOND = 0, 4, 16, 24  # where the filter finds what is called, on which machine, with which arguments
LOAD, EQUAL, AT_LEAST, SHARES, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # instructions
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # the second with an error's number


def restrict(*, listens: bool = False) -> bool:
    """Refuse those calls to all threads of this process, for good. False where the system has no seccomp.

    listens: let it wait for other programs of this computer, on a socket for packets, which no program outside can reach; it
    still connects to nobody. NVIDIA's driver does not start without.
    """
    known = MACHINES.get(platform.machine())
    if sys.platform != "linux" or known is None or sys.maxsize < 2**32:
        return False
    steps = _filter(*known, listens=listens)
    code = ctypes.create_string_buffer(b"".join(steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    set_filter, all_threads = 1, 1
    numbers = SECCOMP[known[0]], set_filter, all_threads, ctypes.addressof(program)
    return bool(call(*map(ctypes.c_long, numbers)) == 0)


def _filter(column: int, machine: int, *, listens: bool) -> list[bytes]:
    """The program that the kernel asks at each call."""
    no = _step(RETURN, REFUSE | errno.EPERM)
    steps = [_step(LOAD, MACHINE), _step(EQUAL, machine, 1, 0), no, _step(LOAD, NUMBER)]
    if column == 0:  # the other numbers of x86-64
        steps += [_step(AT_LEAST, 0x40000000, 0, 1), no]
    for call, numbers in REFUSED.items():
        if numbers[column] != NONE and not (listens and call in LISTENING):
            steps += [_step(EQUAL, numbers[column], 0, 1), no]
    if listens:
        steps += [_step(EQUAL, REFUSED["socket"][column], 0, 7), _step(LOAD, FIRST), _step(EQUAL, WITHIN, 0, 3)]
        steps += [_step(LOAD, SECOND), _step(AND, KIND), _step(EQUAL, IN_PACKETS, 1, 0), no, _step(LOAD, NUMBER)]
    # its flags lie in memory, where a filter cannot look; the C library then takes the older call
    steps += [_step(EQUAL, CLONE3[column], 0, 1), _step(RETURN, REFUSE | errno.ENOSYS)]
    steps += [_step(EQUAL, CLONE[column], 0, 3), _step(LOAD, FIRST), _step(SHARES, A_THREAD, 1, 0), no, _step(LOAD, NUMBER)]
    steps += [_step(EQUAL, TGKILL[column], 0, 3), _step(LOAD, FIRST), _step(EQUAL, os.getpid(), 1, 0), no]
    return [*steps, _step(RETURN, ALLOW)]


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_so, if_not, value)
