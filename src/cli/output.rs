//! The one writer to standard output.

use std::io::{self, BufWriter, Write};

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
    if coloured() { buffered() } else { Box::new(StripStream::new(buffered())) }
}

fn buffered() -> Box<dyn Write> {
    Box::new(BufWriter::new(kernel::Stdout::lock()))
}

/// The one place that writes results: everything at once, when it is finished.
pub(super) fn print(text: &str) -> io::Result<()> {
    // What takes colours away reads byte by byte, and a long JSON has none.
    let is_plain = !text.contains('\u{1b}');
    let mut out = if HERE != Os::Windows && is_plain { buffered() } else { stdout() };
    out.write_all(text.as_bytes())?;
    out.flush()
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
