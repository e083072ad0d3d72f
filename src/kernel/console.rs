//! The console that shows what is written.

/// The code page in which a console shows what comes through a pipe or out of a file: `GetConsoleOutputCP`. `None`
/// where this process has no console, or the system none with code pages.
#[cfg(windows)]
pub fn console_code_page() -> Option<u32> {
    // SAFETY: the call takes nothing and answers with a number, 0 where there is no console.
    match unsafe { windows_sys::Win32::System::Console::GetConsoleOutputCP() } {
        0 => None,
        page => Some(page),
    }
}

#[allow(missing_docs)]
#[cfg(not(windows))]
pub fn console_code_page() -> Option<u32> {
    None
}
