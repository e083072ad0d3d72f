//! The one writer to standard output.

use std::io::{self, BufWriter, Write};
use std::iter::once;

use anstream::{AutoStream, StripStream};

use super::failure::Failure;
use crate::kernel::{self, HERE};
use crate::vocabulary::{Os, Status};

/// Standard output, for text that is always coloured: the colours are taken away where they are not wanted.
pub(super) fn stdout() -> Box<dyn Write> {
    if HERE == Os::Windows {
        // Only this stream knows how to colour an old console.
        return Box::new(AutoStream::auto(io::stdout().lock()));
    }
    // Below what takes colours away, as that hands the text on in pieces.
    let out = buffered();
    if coloured() { Box::new(out) } else { Box::new(StripStream::new(Box::new(out) as Box<dyn Write>)) }
}

fn buffered() -> BufWriter<kernel::Stdout> {
    BufWriter::new(kernel::Stdout::lock())
}

/// The one place that writes results: everything at once, when it is finished.
pub(super) fn print(text: &str) -> io::Result<()> {
    if HERE != Os::Windows
        && !coloured()
        && let Some(pieces) = without_colours(text)
    {
        let mut out = buffered();
        pieces.into_iter().try_for_each(|piece| out.write_all(piece.as_bytes()))?;
        return out.flush();
    }
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

const ESC: u8 = 0x1b;
const DEL: u8 = 0x7f;

/// The pieces of `text` between the codes that colour it (ECMA-48, SGR); nothing where something else in it acts on a
/// terminal: that is left to the stream, which reads byte by byte.
fn without_colours(text: &str) -> Option<Vec<&str>> {
    let mut others = (0..b' ').chain([DEL]).filter(|byte| *byte != ESC && !byte.is_ascii_whitespace());
    if others.any(|other| text.as_bytes().contains(&other)) {
        return None;
    }
    let mut pieces = text.split(char::from(ESC));
    let first = pieces.next();
    let coloured = pieces.map(|piece| {
        let (code, text) = piece.strip_prefix('[')?.split_once('m')?;
        code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';').then_some(text)
    });
    once(first).chain(coloured).collect()
}

/// Writes the text that a command consists in.
pub(super) fn write_text(text: &str) -> Result<Status, Failure> {
    print(text)?;
    Ok(Status::AsExpected)
}

/// Whether colours reach whoever reads the output.
pub(super) fn coloured() -> bool {
    AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_bytes;
    use proptest::prelude::*;

    use super::*;

    fn is_stripped_alike(text: &str) -> bool {
        without_colours(text).is_none_or(|pieces| pieces.concat().as_bytes() == strip_bytes(text.as_bytes()).into_vec())
    }

    proptest! {
        #[test]
        fn results_lose_their_colours_and_nothing_else(text in "(\\PC|[\n\t\r]|\x1b\\[[0-9;]{0,5}m){0,40}") {
            prop_assert!(without_colours(&text).is_some() && is_stripped_alike(&text), "{text:?}");
        }

        #[test]
        fn what_acts_otherwise_is_left_to_the_stream(text in "(\\PC|[\0-\x20\x7f-\u{a0}]|\x1b[\\[\\]a]?[0-9;m]{0,3}){0,20}") {
            prop_assert!(is_stripped_alike(&text), "{text:?}");
        }
    }
}
