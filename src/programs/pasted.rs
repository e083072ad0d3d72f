//! Addresses as they are pasted: from a browser, a message, another program's output.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Address;
use super::address::USUAL_PORT;

/// `text` as it should be written: nothing where nobody can know what was meant.
pub(super) fn repaired(text: &str) -> Option<String> {
    let plain: String = text.chars().map(half_width).collect();
    let plain = plain.trim_matches(|c: char| c.is_whitespace() || c.is_control() || "\"'`<>(),;.“”‘’«»„".contains(c));
    let authority = without_scheme(plain);
    let candidates =
        [Some(authority.to_owned()), Some(joined(authority)), bracketed(authority), with_a_port(authority)];
    candidates.into_iter().flatten().map(with_a_host).find(|candidate| Address::strict(candidate).is_ok())
}

/// An IPv6 address alone, unless its last group could be meant for a port.
fn bracketed(text: &str) -> Option<String> {
    text.parse::<Ipv6Addr>().ok()?;
    let (before, last) = text.rsplit_once(':')?;
    let port = before.parse::<Ipv6Addr>().is_ok() && last.bytes().all(|byte| byte.is_ascii_digit());
    (!port).then(|| format!("[{text}]:{USUAL_PORT}"))
}

/// A host alone.
fn with_a_port(text: &str) -> Option<String> {
    let host = if text.starts_with('[') { text } else { text.trim_end_matches(':') };
    let is_host = host.starts_with(|c: char| c.is_alphabetic() || c == '[') || host.parse::<Ipv4Addr>().is_ok();
    is_host.then(|| format!("{host}:{USUAL_PORT}"))
}

/// Every address of a machine, as netstat, ss and lsof write it, or as Go does.
fn with_a_host(text: String) -> String {
    if let Some(port) = text.strip_prefix("*:") {
        return format!("0.0.0.0:{port}");
    }
    text.strip_prefix(':').map(str::to_owned).unwrap_or(text)
}

/// Characters of ASCII as input methods for Chinese and Japanese write them, with twice the width.
pub(super) fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3002}' => '.',
        '\u{3000}' => ' ',
        c => c,
    }
}

/// What a URL names between `scheme://user@` and `/path` (RFC 3986 section 3.2); all of what is none.
fn without_scheme(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let socat = text.split_once(':').filter(|(kind, _)| ["udp", "udp4", "udp6"].contains(&&*kind.to_ascii_lowercase()));
    let text = socat.map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or(text);
    text.rsplit_once('@').map_or(text, |(_, host)| host).trim()
}

/// The host and the port as `nc HOST PORT` takes them, or with spaces about the colon, as one address.
fn joined(text: &str) -> String {
    let words: Vec<&str> = text.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [host, port] if !host.ends_with(':') && !port.starts_with(':') => format!("{host}:{port}"),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pasted_is_written_as_it_should_be() {
        for (pasted, written) in [
            ("http://127.0.0.1:8888/", "127.0.0.1:8888"),
            ("udp://127.0.0.1:8888", "127.0.0.1:8888"),
            ("udp://me@teacher-pc:8888/a?b#c", "teacher-pc:8888"),
            ("https://[::1]:8888/path", "[::1]:8888"),
            ("UDP4:127.0.0.1:8888", "127.0.0.1:8888"),
            ("127.0.0.1:8888/udp", "127.0.0.1:8888"),
            ("127.0.0.1: 8888", "127.0.0.1:8888"),
            ("127.0.0.1 : 8888", "127.0.0.1:8888"),
            (" 127.0.0.1:8888\r\n", "127.0.0.1:8888"),
            ("127.0.0.1 8888", "127.0.0.1:8888"),
            ("127.0.0.1, 8888", "127.0.0.1:8888"),
            ("\"127.0.0.1:8888\",", "127.0.0.1:8888"),
            ("“127.0.0.1:8888”.", "127.0.0.1:8888"),
            ("１２７。０．０．１：８８８８", "127.0.0.1:8888"),
            ("１２７.0.0.1:8888", "127.0.0.1:8888"),
            ("８８８８", "8888"),
            (":8888", "8888"),
            ("*:8888", "0.0.0.0:8888"),
            ("127.0.0.1", "127.0.0.1:8888"),
            ("teacher-pc", "teacher-pc:8888"),
            ("http://teacher-pc", "teacher-pc:8888"),
            ("[::1]", "[::1]:8888"),
            ("::1", "[::1]:8888"),
            ("127.0.0.1:", "127.0.0.1:8888"),
        ] {
            assert_eq!(repaired(pasted).as_deref(), Some(written), "{pasted:?}");
        }
    }

    #[test]
    fn what_nobody_can_know_is_left_alone() {
        for text in ["", " ", "99999", "127.0.0.1:65536", "::1:8888", "::1:8888x", "a b c", "://", "8888x:y:z"] {
            assert_eq!(repaired(text), None, "{text:?}");
        }
    }
}
