//! Addresses as they are pasted: from a browser, a message, another program's output.

use std::net::Ipv4Addr;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::Address;
use super::address::{USUAL_PORT, is_ipv6};

/// `text` as it should be written: nothing where nobody can know what was meant.
pub(super) fn repaired(text: &str) -> Option<String> {
    let words = words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        [word] => of_word(word),
        [host, port] => paired(host, port).or_else(|| the_only_address(&[host, port])),
        ref words => the_only_address(words),
    }
}

/// The words of a text, without what stands around them, and with their colons.
fn words(text: &str) -> Vec<String> {
    let plain: String = text.chars().filter(|c| !is_hidden(*c)).map(half_width).collect();
    let around = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>(){},;.“”‘’«»„".contains(c);
    let mut words: Vec<String> = Vec::new();
    for word in plain.split_whitespace().map(dotted) {
        for word in word.split([',', ';']).map(|word| without_scheme(word.trim_matches(around))) {
            match words.last_mut() {
                _ if word.is_empty() || word.trim_end_matches(':').eq_ignore_ascii_case("port") => {}
                // As in `HOST : PORT`.
                Some(before) if word == ":" || (before.ends_with(':') && is_number(word)) => before.push_str(word),
                _ => words.push(word.to_owned()),
            }
        }
    }
    words
}

/// What a word alone is meant for.
fn of_word(word: &str) -> Option<String> {
    let candidates = [Some(word.to_owned()), bracketed(word), with_a_port(word)];
    candidates.into_iter().flatten().map(with_a_host).find(|candidate| Address::strict(candidate).is_ok())
}

/// The host and the port as `nc HOST PORT` takes them, and as Python prints them.
fn paired(host: &str, port: &str) -> Option<String> {
    let port = port.strip_prefix(':').unwrap_or(port);
    if is_number(host) || !is_number(port) {
        return None;
    }
    let host = if is_ipv6(host) { &format!("[{host}]") } else { host };
    Some(format!("{host}:{port}")).filter(|address| Address::strict(address).is_ok())
}

/// The one of several words that is nothing but an address, with the port where that is the next word. The others say
/// something of it, or are a command: where one of them may be its port, or another address, nobody can know.
fn the_only_address(words: &[&str]) -> Option<String> {
    let mut addresses = words.iter().enumerate().filter(|(_, word)| is_address(word));
    let ((place, word), None) = (addresses.next()?, addresses.next()) else { return None };
    let has_a_port = !is_host(word);
    let next = words.get(place + 1).filter(|_| !has_a_port).and_then(|port| paired(word, port));
    next.or_else(|| (has_a_port || !words.iter().any(|word| is_number(word))).then(|| of_word(word))?)
}

/// Whether a word is an address, and not anything else that a host could be called.
fn is_address(word: &str) -> bool {
    // A time of the day has a colon as well.
    let has_both = word.rsplit_once(':').is_some_and(|(host, port)| !is_number(host) && is_number(port));
    is_host(word) || (has_both && of_word(word).is_some())
}

fn is_host(word: &str) -> bool {
    let alone = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).unwrap_or(word);
    word == "localhost" || word.parse::<Ipv4Addr>().is_ok() || (is_ipv6(alone) && !ends_with_a_port(word))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// An IPv6 address alone, unless its last group could be meant for a port; or one whose port stands behind its
/// interface.
fn bracketed(text: &str) -> Option<String> {
    match text.rsplit_once(':') {
        Some((host, port)) if host.contains('%') && is_ipv6(host) && is_number(port) => {
            Some(format!("[{host}]:{port}"))
        }
        _ if is_ipv6(text) && !ends_with_a_port(text) => Some(format!("[{text}]:{USUAL_PORT}")),
        _ => None,
    }
}

/// Whether the last group of an IPv6 address could be meant for a port.
fn ends_with_a_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(before, last)| is_ipv6(before) && is_number(last))
}

/// A host alone.
fn with_a_port(text: &str) -> Option<String> {
    let host = if text.starts_with('[') { text } else { text.trim_end_matches(':') };
    let is_host = host.starts_with(|c: char| c.is_alphabetic() || c == '[') || host.parse::<Ipv4Addr>().is_ok();
    is_host.then(|| format!("{host}:{USUAL_PORT}"))
}

/// A word whose commas are the dots of an IPv4 address.
fn dotted(word: &str) -> String {
    let (host, rest) = word.split_at(word.find(':').unwrap_or(word.len()));
    let dotted = host.replace(',', ".");
    if dotted.parse::<Ipv4Addr>().is_ok() { dotted + rest } else { word.to_owned() }
}

/// Whether nobody sees that a character is there, as a byte-order mark or a mark of the direction: a copy takes it
/// along. The two joiners belong to names in some scripts.
pub(super) fn is_hidden(c: char) -> bool {
    c.general_category() == GeneralCategory::Format && !matches!(c, '\u{200c}' | '\u{200d}')
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
            ("('127.0.0.1', 8888)", "127.0.0.1:8888"),
            ("('::1', 8888, 0, 0)", "[::1]:8888"),
            ("127.0.0.1;8888", "127.0.0.1:8888"),
            ("127,0,0,1:8888", "127.0.0.1:8888"),
            ("10,0,0,7", "10.0.0.7:8888"),
            ("10.0.0.7:9000,hello", "10.0.0.7:9000"),
            ("::1 8888", "[::1]:8888"),
            ("fe80::1%eth0", "[fe80::1%eth0]:8888"),
            ("fe80::1%eth0:9000", "[fe80::1%eth0]:9000"),
            ("\u{200e}127.0.0.1:8888", "127.0.0.1:8888"),
            ("\u{feff}127.0.0.1:8888\u{200b}", "127.0.0.1:8888"),
            ("udp-lab client 127.0.0.1:8888", "127.0.0.1:8888"),
            ("target/debug/udp-lab client 127.0.0.1:9000 hello", "127.0.0.1:9000"),
            ("connect to 127.0.0.1:8888", "127.0.0.1:8888"),
            ("Listening on 127.0.0.1:9000; Ctrl-C ends it.", "127.0.0.1:9000"),
            ("the server is at: http://teacher-pc:9000/", "teacher-pc:9000"),
            ("10.0.0.7 is the server", "10.0.0.7:8888"),
            ("nc -u 10.0.0.7 9000", "10.0.0.7:9000"),
            ("10.0.0.7, port: 9000", "10.0.0.7:9000"),
            ("listening on :9000", "9000"),
            ("teacher-pc :9000", "teacher-pc:9000"),
            ("address: 10.0.0.7", "10.0.0.7:8888"),
            ("port 9000", "9000"),
        ] {
            assert_eq!(repaired(pasted).as_deref(), Some(written), "{pasted:?}");
        }
    }

    #[test]
    fn what_nobody_can_know_is_left_alone() {
        for text in [
            "",
            " ",
            "99999",
            "127.0.0.1:65536",
            "::1:8888",
            "::1:8888x",
            "a b c",
            "://",
            "8888x:y:z",
            "udp-lab client",
            "8888 9000",
            "from 127.0.0.1:8888 to 127.0.0.2:9000",
            "9000 at 127.0.0.1",
            "lunch at 12:30",
            "127,0,0,1,8888",
            "{ address: 127.0.0.1, family: IPv4, port: 8888 }",
        ] {
            assert_eq!(repaired(text), None, "{text:?}");
        }
    }
}
