//! Messages that are no words: bytes in hexadecimal digits, and files.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use super::ProgramError;
use crate::kernel::HERE;
use crate::vocabulary::{Access, file_message};

/// Bytes that are given as hexadecimal digits, as other programs show them: with blanks or colons between them, or
/// without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hex(pub Vec<u8>);

impl FromStr for Hex {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "two hexadecimal digits for each byte are needed, such as 00ff or \"48 69\"";
        let digits: Option<Vec<u8>> =
            text.chars().filter(|c| ![' ', ':'].contains(c)).map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let digits = digits.ok_or(FORM)?;
        match digits.as_chunks() {
            (pairs, []) => Ok(Hex(pairs.iter().map(|[high, low]| high << 4 | low).collect())),
            (_, _) => Err(format!("{} digits: {FORM}", digits.len())),
        }
    }
}

/// The bytes of a file; of one with more than `most`, one more than that, since nobody needs to know what follows.
///
/// # Errors
/// When it cannot be read.
pub(super) fn of_file(path: &Path, most: usize) -> Result<Vec<u8>, ProgramError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error: std::io::Error| {
        ProgramError::Environment(format!(
            "cannot read {}: {}",
            path.display(),
            file_message(&error, Access::Read, HERE)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_bytes() {
        for (text, bytes) in
            [("", &b""[..]), ("00ff", b"\0\xff"), ("48 69", b"Hi"), ("DE:ad:be:EF", b"\xde\xad\xbe\xef")]
        {
            assert_eq!(text.parse(), Ok(Hex(bytes.to_vec())), "{text}");
        }
        for (text, said) in
            [("abc", "3 digits: two hexadecimal digits"), ("0x41", "such as 00ff"), ("gg", "such as 00ff")]
        {
            let refused = text.parse::<Hex>().unwrap_err();
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }
}
