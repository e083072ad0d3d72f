//! Values that are given on the command line, with their limits: for lessons, programs and options.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::sockets::LONGEST_PAYLOAD;
use crate::vocabulary::quoted;

/// Most messages in one run: each has rows of its own.
const MOST_MESSAGES: usize = 100;

/// A payload given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

impl FromStr for Message {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST_PAYLOAD {
            return Err(format!(
                "{} bytes; a datagram over IPv4 carries at most {LONGEST_PAYLOAD}: \
                 65535, less 20 for the IP header and 8 for the UDP header (RFC 791, RFC 768)",
                text.len()
            ));
        }
        Ok(Message(text.as_bytes().to_vec()))
    }
}

impl Message {
    /// The length in bytes.
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// What a receive into `buffer` bytes can show of it.
    pub fn cut_to(&self, buffer: usize) -> &[u8] {
        &self.0[..self.length().min(buffer)]
    }

    /// In quotation marks, short enough for a sentence.
    pub fn short(&self) -> String {
        quoted(&self.0, 12)
    }
}

/// Parses the size of the buffer of a receive: 0 to 65535 bytes.
pub fn buffer(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes) if bytes <= usize::from(u16::MAX) => Ok(bytes),
        Ok(_) => Err("at most 65535 bytes: no datagram is longer (RFC 768: its length field has 16 bits)".to_owned()),
        Err(_) => Err("a number of bytes from 0 to 65535 is needed".to_owned()),
    }
}

/// Parses a time such as `20ms` or `1s`.
pub fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "a time with its unit is needed, such as 20ms or 1s".to_owned())
}

/// Refuses more messages than a table can show.
pub fn check_messages(messages: &[Message]) -> Result<(), String> {
    if messages.len() > MOST_MESSAGES {
        return Err(format!(
            "{} messages; at most {MOST_MESSAGES}: each has a row of its own in the table",
            messages.len()
        ));
    }
    Ok(())
}

/// Parses a whole number from `least` to `most`; [`u64::MAX`] stands for no limit of its own.
pub fn whole<T: TryFrom<u64>>(least: u64, most: u64) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let limits = || match most {
            u64::MAX if least > 0 => format!("{least}.."),
            _ => format!("{least}..={most}"),
        };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("a whole number in {} is needed", limits()));
        }
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| format!("{text} is not in {}", limits()))
    }
}

/// Parses a number of `things` in `range`. The error gives the range, and says `why` it is that.
pub fn number(
    range: RangeInclusive<usize>,
    things: &'static str,
    why: &'static str,
) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("{} to {} {things}: {why}", range.start(), range.end())),
    }
}

/// Parses how many sockets there are, of which each does the same: 1 to 100.
pub fn sockets(text: &str) -> Result<usize, String> {
    number(1..=100, "sockets", "each takes descriptors, and systems grant few")(text)
}
