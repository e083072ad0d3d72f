//! Words as they are compared: in small letters and without their endings, and errors whatever they are called.

use crate::vocabulary::SocketError;

/// Words that tell no question from another.
const STOP_WORDS: &str = "a about after all also am an and any are as at be because been but by can could did do does doing don \
     each for from get gets getting got had has have help how i if in into is isn it its just m me my no not of on or our s \
     should so some t than that the their them then there these they this to udp was we were what when where which while who \
     why will with would you your";

/// What stands before the number of an error, in messages of Python, Rust, Node and .NET, and says no more than that.
const BEFORE_NUMBERS: &str = "errno error code winerror oserror os socketexception";

/// Letters of which a word consists at least, to stand for longer ones that begin with it.
const LEAST_BEGINNING: usize = 4;

/// Below it, a number is an error's only where something says so: messages, bytes and clients are counted, too.
const LEAST_WINDOWS_NUMBER: i32 = 10_000;

/// A word of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// Letters in small ones without the ending, or a number as it is.
    Word(String),
    /// An error, named or numbered as on any system.
    Error(SocketError),
}

impl Term {
    /// How well `other` fits, from 0 to 1.
    pub(super) fn fits(&self, other: &Term) -> f64 {
        const IN_PART: f64 = 0.6;
        let in_part = |one: &str, other: &str| is_beginning(one, other) || is_part(one, other);
        match (self, other) {
            (one, other) if one == other => 1.0,
            (Term::Word(one), Term::Word(other)) if in_part(one, other) || in_part(other, one) => IN_PART,
            _ => 0.0,
        }
    }
}

/// Whether `name` has the word `short` in it, as `SO_RCVBUF` has `rcvbuf`.
fn is_part(short: &str, name: &str) -> bool {
    name.split('_').any(|part| part == short)
}

/// Whether `longer` begins with the word `short`. A number stands for itself alone.
fn is_beginning(short: &str, longer: &str) -> bool {
    short.len() >= LEAST_BEGINNING && !is_number(short) && longer.starts_with(short)
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// The words of `text` that tell it from others, each once with how it is written there.
pub(super) fn terms(text: &str) -> Vec<(String, Term)> {
    let words = split(text);
    let mut terms: Vec<(String, Term)> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        for term in terms_of(word, &words, place) {
            if !terms.iter().any(|(_, known)| *known == term) {
                terms.push((word.clone(), term));
            }
        }
    }
    terms
}

/// The words of `text` in small letters. 127.0.0.1 is one word, and so is `SO_RCVBUF`.
fn split(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let pieces = text.split(|c: char| !c.is_alphanumeric() && !"._".contains(c)).map(|piece| piece.trim_matches('.'));
    let words = pieces.flat_map(|piece| match is_number(piece) {
        true => vec![piece],
        false => piece.split('.').collect(),
    });
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What `word`, at its place among `words`, stands for: a number may be two errors', a stop word is nothing.
fn terms_of(word: &str, words: &[String], place: usize) -> Vec<Term> {
    if let Some(error) = SocketError::named(word) {
        return vec![Term::Error(error)];
    }
    let before = place.checked_sub(1).and_then(|before| words.get(before));
    let errors: Vec<Term> = match word.parse() {
        Ok(number) => {
            let is_meant = |error: &SocketError| is_error_number(number, *error, before, words);
            SocketError::numbered(number).filter(is_meant).map(Term::Error).collect()
        }
        Err(_) => Vec::new(),
    };
    match errors.is_empty() {
        false => errors,
        true if contains(STOP_WORDS, word) || contains(BEFORE_NUMBERS, word) => Vec::new(),
        true => vec![Term::Word(stem(word).to_owned())],
    }
}

/// Whether `number` stands for `error` there: alone, so large as those of Windows, behind a word that announces it or beside the
/// error's own words.
fn is_error_number(number: i32, error: SocketError, before: Option<&String>, words: &[String]) -> bool {
    let is_announced = before.is_some_and(|word| contains(BEFORE_NUMBERS, word) || SocketError::named(word).is_some());
    let is_described = || error.words().split(' ').all(|own| words.iter().any(|word| word == own));
    words.len() == 1 || number >= LEAST_WINDOWS_NUMBER || is_announced || is_described()
}

fn contains(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// `word` without its ending: receives, received and receiving are the same.
fn stem(word: &str) -> &str {
    let without = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.len() >= LEAST_BEGINNING);
    let is_plural = !word.ends_with("ss");
    let singular = || without("es").or_else(|| without("s").filter(|_| is_plural));
    without("ing").or_else(|| without("ed")).or_else(singular).or_else(|| without("e")).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let term = |(_, term): (String, Term)| match term {
            Term::Word(word) => word,
            Term::Error(error) => error.words().to_uppercase(),
        };
        terms(text).into_iter().map(term).collect()
    }

    #[test]
    fn words_are_small_without_endings_and_once() {
        assert_eq!(words("Why is the SO_RCVBUF of my socket so small? Sockets!"), ["so_rcvbuf", "socket", "small"]);
        assert_eq!(words("receives received, receiving receive"), ["receiv"]);
        assert_eq!(
            words("loss losses address bind 0.0.0.0 java.net."),
            ["loss", "address", "bind", "0.0.0.0", "java", "net"]
        );
    }

    #[test]
    fn an_error_is_the_same_by_each_of_its_names_and_numbers() {
        for name in ["econnreset", "WSAECONNRESET", "10054", "104", "errno 54", "[WinError 10054]", "(os error 104)"] {
            assert_eq!(words(name).last().map(String::as_str), Some("CONNECTION RESET BY PEER"), "{name}");
        }
        assert_eq!(words("EWOULDBLOCK"), words("EAGAIN"));
        assert_eq!(words("errno 102").len(), 2, "Linux and macOS number two errors so");
    }

    #[test]
    fn what_is_counted_is_no_error() {
        assert_eq!(words("111 clients"), ["111", "client"]);
        assert_eq!(words("111 connection refused"), ["CONNECTION REFUSED", "connection", "refus"]);
    }

    #[test]
    fn a_longer_word_fits_less_and_a_longer_number_not() {
        let fits = |one: &str, other: &str| terms(one)[0].1.fits(&terms(other)[0].1);
        assert_eq!([fits("sendto", "sendto"), fits("send", "sendto"), fits("sendto", "send")], [1.0, 0.6, 0.6]);
        assert_eq!(
            [fits("SO_ERROR", "so_error"), fits("rcvbuf", "SO_RCVBUF"), fits("MSG_PEEK", "peek")],
            [1.0, 0.6, 0.6]
        );
        assert_eq!([fits("bin", "bind"), fits("6550", "65507"), fits("loss", "lost")], [0.0; 3]);
    }
}
