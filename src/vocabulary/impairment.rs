//! What a relay does to the n-th datagram of a direction: for the same seed always the same, whenever it comes and
//! whatever the other direction does.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// The direction in which a datagram goes through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayDirection {
    /// From a client to the server.
    ToServer = 0,
    /// From the server to a client.
    ToClient = 1,
}

/// How many of all datagrams, on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "a share of all datagrams is needed, such as 30% or 0.3";
        let (number, divisor) = match text.strip_suffix('%') {
            Some(percent) => (percent, 100.0),
            None if text.parse().is_ok_and(|whole: u64| whole > 0) => {
                return Err(format!("write {text}% or a fraction: {FORM}"));
            }
            None => (text, 1.0),
        };
        let number: f64 = number.trim_end().parse().map_err(|_| FORM.to_owned())?;
        match number / divisor {
            share @ 0.0..=1.0 => Ok(Share(share)),
            _ => Err(format!("{FORM}; it lies between 0% and 100%")),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the last digits of 100 * 0.07.
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

impl Share {
    /// None at all.
    pub const NONE: Share = Share(0.0);

    /// Whether it is none at all.
    pub fn is_none(self) -> bool {
        self.0 == 0.0
    }

    /// Whether a datagram for which this word was drawn is one of them.
    fn has(self, word: u32) -> bool {
        f64::from(word) < self.0 * 2_f64.powi(32)
    }
}

/// How long datagrams are delayed: each for a time from the first to the last of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    least: Duration,
    most: Duration,
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// Nobody waits longer, and what waits takes room.
        const LONGEST: Duration = Duration::from_secs(60);
        let time = |text| {
            humantime::parse_duration(text).map_err(|_| {
                "a time with its unit is needed, such as 20ms or 1s; or two of them: 20ms..80ms".to_owned()
            })
        };
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        match (time(least)?, time(most)?) {
            (least, most) if least > most => {
                Err(format!("the shorter time comes first: {}", Delay { least: most, most: least }))
            }
            (_, most) if most > LONGEST => Err("at most 60s are allowed".to_owned()),
            (least, most) => Ok(Delay { least, most }),
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most] = [self.least, self.most].map(humantime::format_duration);
        if self.least == self.most { write!(f, "{most}") } else { write!(f, "{least}..{most}") }
    }
}

impl Delay {
    /// No delay.
    pub const NONE: Delay = Delay { least: Duration::ZERO, most: Duration::ZERO };

    /// Whether it is none at all.
    pub fn is_none(self) -> bool {
        self.most.is_zero()
    }

    /// The time for which this word was drawn.
    fn time(self, word: u32) -> Duration {
        self.least + (self.most - self.least).mul_f64(f64::from(word) / 2_f64.powi(32))
    }
}

/// What is to happen to datagrams, in each direction.
#[derive(Clone, Copy, Debug)]
pub struct Impairments {
    /// So many are lost.
    pub lose: Share,
    /// So long each is delayed.
    pub delay: Delay,
    /// So many are sent twice.
    pub duplicate: Share,
    /// So many are held back until the next one has passed.
    pub reorder: Share,
    /// Of so many one byte is changed.
    pub corrupt: Share,
}

/// What becomes of one datagram; by default it goes on at once, as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// It does not go on.
    pub lost: bool,
    /// What happens to one byte of its payload.
    pub corruption: Option<Corruption>,
    /// It goes on twice.
    pub duplicated: bool,
    /// Held back until the next one has passed.
    pub held_back: bool,
    /// Of itself, and of its copy where there is one.
    pub delays: [Duration; 2],
}

/// A byte of the payload that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// Its place, from 0.
    pub byte: usize,
    /// What it was, and what it becomes: never the same.
    pub values: [u8; 2],
}

impl Impairments {
    /// What becomes of the `number`-th datagram of a direction.
    pub fn decide(&self, seed: u64, direction: RelayDirection, number: u64, payload: &[u8]) -> Decision {
        // In this order, whatever is asked for: without --delay the same datagrams are lost as with it.
        let [lose, duplicate, reorder, corrupt, place, change, delay, delay_of_copy] = draw(seed, direction, number);
        let corruption = || {
            let byte = scaled(place, payload.len());
            let was = *payload.get(byte)?;
            let becomes = was ^ u8::try_from(1 + scaled(change, 255)).unwrap_or(1);
            Some(Corruption { byte, values: [was, becomes] })
        };
        Decision {
            lost: self.lose.has(lose),
            corruption: self.corrupt.has(corrupt).then(corruption).flatten(),
            duplicated: self.duplicate.has(duplicate),
            held_back: self.reorder.has(reorder),
            delays: [delay, delay_of_copy].map(|word| self.delay.time(word)),
        }
    }
}

/// A place among so many, for which this word was drawn.
fn scaled(word: u32, places: usize) -> usize {
    (f64::from(word) / 2_f64.powi(32) * places as f64) as usize
}

/// The first words of block `number` of the ChaCha20 stream of this direction, with the seed as key: no draw depends on
/// another one, and any library of ChaCha20 draws the same.
fn draw<const N: usize>(seed: u64, direction: RelayDirection, number: u64) -> [u32; N] {
    const WORDS_OF_A_BLOCK: u128 = 16;
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut words = ChaCha20Rng::from_seed(key);
    words.set_stream(direction as u64);
    words.set_word_pos(u128::from(number) * WORDS_OF_A_BLOCK);
    std::array::from_fn(|_| words.next_u32())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        for (text, shown) in [
            ("30%", "30%"),
            ("0.3", "30%"),
            ("0", "0%"),
            ("1.0", "100%"),
            ("100 %", "100%"),
            ("0.07", "7%"),
            ("0.5%", "0.5%"),
        ] {
            assert_eq!(text.parse::<Share>().map(|share| share.to_string()), Ok(shown.to_owned()), "{text}");
        }
        for (text, said) in [
            ("30", "write 30% or a fraction"),
            ("1", "write 1% or a fraction"),
            ("101%", "between 0% and 100%"),
            ("1.5", "between 0% and 100%"),
            ("-0.1", "between 0% and 100%"),
            ("nan", "between 0% and 100%"),
            ("", "such as 30% or 0.3"),
            ("a third", "such as 30% or 0.3"),
        ] {
            let refused = text.parse::<Share>().unwrap_err();
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn nothing_and_everything_are_certain() {
        for word in [0, 1, u32::MAX] {
            assert!(!Share(0.0).has(word) && Share(1.0).has(word));
        }
        assert!(Share(0.5).has(u32::MAX / 2) && !Share(0.5).has(u32::MAX / 2 + 1));
    }

    #[test]
    fn a_delay_is_a_time_or_lies_between_two() {
        for (text, least, most) in [("0s", 0, 0), ("50ms", 50, 50), ("20ms..80ms", 20, 80), ("1s..1m", 1000, 60_000)] {
            let [least, most] = [least, most].map(Duration::from_millis);
            assert_eq!(text.parse(), Ok(Delay { least, most }), "{text}");
        }
        for (text, said) in [
            ("80ms..20ms", "the shorter time comes first: 20ms..80ms"),
            ("61s", "at most 60s"),
            ("20", "such as 20ms or 1s; or two of them: 20ms..80ms"),
            ("20ms..", "or two of them"),
        ] {
            let refused = text.parse::<Delay>().unwrap_err();
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    /// The words were computed by another program, which has RFC 8439 section 2.3 written out.
    #[test]
    fn a_seed_stands_for_the_same_words_for_ever() {
        for (seed, direction, number, words) in [
            (42, RelayDirection::ToServer, 1, [0xd317_7212, 0xfa18_3a2d, 0xfc06_209b, 0x5c1f_5694]),
            (42, RelayDirection::ToClient, 1, [0x921d_831b, 0xcd0d_fc6a, 0xbf59_9cce, 0x0e42_4400]),
            (42, RelayDirection::ToServer, 1 << 32, [0xf4d5_d293, 0xe303_16f5, 0xf233_80b0, 0xde8d_b2db]),
            (u64::MAX, RelayDirection::ToClient, 3, [0x7b07_10cb, 0xbf15_a84d, 0x0822_6fc3, 0x776e_2bde]),
        ] {
            assert_eq!(draw(seed, direction, number), words, "{seed} {direction:?} {number}");
        }
    }

    #[test]
    fn a_seed_stands_for_the_same_decisions_for_ever() {
        let half = Share(0.5);
        let delay = "20ms..80ms".parse().unwrap();
        let impairments = Impairments { lose: half, delay, duplicate: half, reorder: half, corrupt: half };
        let decide = |number| impairments.decide(42, RelayDirection::ToServer, number, b"Ping 1");
        let lost: Vec<u64> = (1..=20).filter(|number| decide(*number).lost).collect();
        assert_eq!(lost, [3, 8, 9, 12, 13, 15, 16, 20]);
        let Decision { lost, corruption, duplicated, held_back, delays } = decide(1);
        assert_eq!((lost, duplicated, held_back), (false, false, false));
        assert_eq!(corruption, Some(Corruption { byte: 3, values: [b'g', b'g' ^ 0x8f] }));
        assert_eq!(delays.map(|delay| delay.as_micros()), [75_096, 51_036]);
        assert_eq!(decide(1), decide(1), "of what was decided in between nothing depends");
    }

    #[test]
    fn a_corrupted_byte_is_another_one_and_nothing_has_none() {
        let (none, delay) = (Share::NONE, Delay::NONE);
        let impairments = Impairments { lose: none, delay, duplicate: none, reorder: none, corrupt: Share(1.0) };
        for number in 1..=1000 {
            let Corruption { byte, values } =
                impairments.decide(1, RelayDirection::ToClient, number, b"abc").corruption.unwrap();
            assert!(values[0] == b"abc"[byte] && values[0] != values[1], "{number}: {byte} {values:?}");
        }
        assert_eq!(impairments.decide(1, RelayDirection::ToClient, 1, b"").corruption, None);
    }
}
