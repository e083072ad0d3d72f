//! Texts that are compiled in packed: two thirds of a teacher's page are the frames and blanks of its transcripts.
//!
//! A packed text is a row of pieces. A first byte below 128 is followed by that many bytes and one more, as they are.
//! Any other first byte is a copy: its length less 124, then the distance back to its origin, low byte first.

/// Shorter copies would gain nothing: a copy takes three bytes.
const SHORTEST: usize = 4;
const LONGEST: usize = SHORTEST + 127;
const COPY: usize = 128;
const FARTHEST: usize = u16::MAX as usize;

/// How many origins are remembered, a power of two.
const ORIGINS: usize = 4096;

/// Packs `text`: the length that it has then, and as much of it as `N` bytes hold.
///
/// # Panics
/// Never: what does not fit is counted and not written.
pub const fn pack<const N: usize>(text: &[u8]) -> (usize, [u8; N]) {
    let mut out = Out { bytes: [0; N], length: 0 };
    let mut origins = [usize::MAX; ORIGINS];
    let (mut place, mut head, mut plain) = (0, 0, 0);
    while place < text.len() {
        let origin = remember(&mut origins, text, place);
        let length = common(text, origin, place);
        if length >= SHORTEST {
            let distance = place - origin;
            out.put(COPY + length - SHORTEST);
            out.put(distance % 256);
            out.put(distance / 256);
            let end = place + length;
            place += 1;
            while place < end {
                remember(&mut origins, text, place);
                place += 1;
            }
            plain = 0;
        } else {
            if plain == 0 || plain == COPY {
                (head, plain) = (out.length, 0);
                out.put(0);
            }
            out.set(head, plain);
            out.put(text[place] as usize);
            place += 1;
            plain += 1;
        }
    }
    (out.length, out.bytes)
}

struct Out<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Out<N> {
    const fn put(&mut self, byte: usize) {
        self.set(self.length, byte);
        self.length += 1;
    }

    const fn set(&mut self, place: usize, byte: usize) {
        if place < N {
            self.bytes[place] = byte as u8;
        }
    }
}

/// Where the bytes at `place` were last seen, or where others were that look alike; they are now seen at `place`.
const fn remember(origins: &mut [usize; ORIGINS], text: &[u8], place: usize) -> usize {
    if place + SHORTEST > text.len() {
        return usize::MAX;
    }
    let four = u32::from_le_bytes([text[place], text[place + 1], text[place + 2], text[place + 3]]);
    // Multiplicative hashing (Knuth): the high bits are well mixed.
    let slot = four.wrapping_mul(2_654_435_761) as usize / (1 << 20) % ORIGINS;
    let origin = origins[slot];
    origins[slot] = place;
    origin
}

/// How many bytes from `origin` and from `place` are the same; they may overlap.
const fn common(text: &[u8], origin: usize, place: usize) -> usize {
    if origin >= place || place - origin > FARTHEST {
        return 0;
    }
    let mut length = 0;
    while length < LONGEST && place + length < text.len() && text[origin + length] == text[place + length] {
        length += 1;
    }
    length
}

/// The text that was packed.
pub fn unpack(packed: &[u8]) -> String {
    let mut text: Vec<u8> = Vec::with_capacity(4 * packed.len());
    let mut rest = packed;
    while let Some((&first, after)) = rest.split_first() {
        let first = usize::from(first);
        rest = if first < COPY {
            let (plain, after) = after.split_at((first + 1).min(after.len()));
            text.extend_from_slice(plain);
            after
        } else if let [low, high, after @ ..] = after {
            let origin = text.len().saturating_sub(usize::from(u16::from_le_bytes([*low, *high])));
            // Byte by byte, as a copy may begin in itself.
            for place in origin..origin + first - COPY + SHORTEST {
                text.extend(text.get(place).copied());
            }
            after
        } else {
            &[]
        };
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(text: &str) -> usize {
        let (length, bytes) = pack::<4096>(text.as_bytes());
        assert_eq!(unpack(&bytes[..length]), text);
        length
    }

    #[test]
    fn every_text_comes_back() {
        assert_eq!(there_and_back(""), 0);
        assert_eq!(there_and_back("abc"), 4);
        there_and_back("abcdabcdabcd, and abcd again");
        let distinct: String = ('\u{100}'..='\u{250}').collect();
        assert!(there_and_back(&distinct) > distinct.len(), "nothing repeats: only the counts are added");
    }

    #[test]
    fn frames_take_no_room() {
        assert!(there_and_back(&"─".repeat(400)) < 64);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        assert_eq!(pack::<2>(b"abcdef"), (7, [5, b'a']));
    }
}
