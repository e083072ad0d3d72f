//! Which faults a run meets: one that it never asks for would have changed nothing, and need not be tried.
//!
//! `UDP_LAB_FAULTS_MET` names a file, to which each is written as soon as it is met, by whichever process.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::c_int;

use super::faults::Fault;
use super::kernel;

struct Met {
    file: c_int,
    faults: Vec<(Fault, AtomicBool)>,
}

static MET: LazyLock<Option<Met>> = LazyLock::new(|| {
    let path = CString::new(std::env::var_os("UDP_LAB_FAULTS_MET")?.into_vec()).ok()?;
    let file = kernel::append_to(&path);
    assert!(file >= 0, "UDP_LAB_FAULTS_MET names a file that cannot be written");
    Some(Met { file, faults: Fault::all().into_iter().map(|fault| (fault, AtomicBool::new(false))).collect() })
});

/// Whether this run is made to know which faults it meets.
pub fn is_noting() -> bool {
    MET.is_some()
}

/// Notes that what follows depends on whether this is what is wrong with the world.
pub fn note(fault: Fault) {
    let Some(met) = MET.as_ref() else { return };
    let Some((_, is_known)) = met.faults.iter().find(|(known, _)| *known == fault) else { return };
    if !is_known.swap(true, Ordering::Relaxed) {
        kernel::write_line(met.file, &fault.name());
    }
}
