//! Words as they are compared: in small letters and without their endings, and errors whatever they are called.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::LazyLock;

use crate::vocabulary::{Os, SocketError};

/// Words that tell no question from another.
const STOP_WORDS: &str = "a about after all also am an and any are as at be because been before but by can cannot cant could did didnt do does \
     doesnt doing don dont each for from get gets getting got had has have help how i if im in into is isn isnt it its ive \
     just m me mean meaning means must my need needed needs no not of on or our please pls s should so \
     some t than that the their them then there these they this to udp use used uses using want was we were what whats when \
     where which while who why will with work worked working works would you your";

/// Languages, and the endings of their files: a system answers them all alike.
const LANGUAGES: &str = "c cpp cs csharp dotnet exe go golang java javascript js net node nodejs perl php powershell ps1 py python \
     python3 rs ruby rust ts";

/// What stands before the number of an error, in messages of Python, Rust, Node, .NET and C, and says no more than
/// that.
const BEFORE_NUMBERS: &str = "errno error code winerror oserror os socketexception wsagetlasterror getlasterror";

/// What else messages say of every error.
const IN_MESSAGES: &str = "argument arguments called calling exception fatal failed io kind main panic panicked syscall traceback \
     unhandled uncaught value";

/// With what the lines begin that say where in a program an error came up, if they are not indented: in Python,
/// PowerShell, Go, Rust.
const PLACES: [&str; 6] = ["Traceback", "At line", "+ ", "goroutine", "exit status", "note:"];

/// How the name of an error's class ends.
const CLASSES: [&str; 2] = ["Error", "Exception"];

/// Forms of one word that no ending explains, and words that are asked for each other; the first stands for all.
const SAME: [&str; 15] = [
    "another other others",
    "bind bound binds",
    "corrupted corrupt corruption",
    "difference differ diff versus vs",
    "fast faster fastest quick quicker speed",
    "large big bigger biggest huge larger largest longest max maximum",
    "lost lose loses losing loss losses drop dropped drops dropping",
    "machine computer computers laptop machines pc",
    "packet datagram datagrams message messages packets",
    "receive receives received receiving receiver",
    "send sends sending sent sender",
    "several multiple",
    "slow slower slowly",
    "two 2 both",
    "wifi wi",
];

/// The words that tell nothing.
static NOISE: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    [STOP_WORDS, LANGUAGES, BEFORE_NUMBERS, IN_MESSAGES].into_iter().flat_map(str::split_whitespace).collect()
});

/// The word that stands for each one in [`SAME`].
static FIRST: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let with_first =
        |words: &'static str| words.split(' ').map(move |word| (word, words.split(' ').next().unwrap_or(word)));
    SAME.into_iter().flat_map(with_first).collect()
});

/// Letters of which a word consists at least, to stand for longer ones that begin with it.
const LEAST_BEGINNING: usize = 4;

/// Letters of which a word consists at least, to be known with one of them wrong; a shorter one is another word.
const LEAST_MISSPELT: usize = 5;

/// Below it, a number is an error's only where something says so: messages, bytes and clients are counted, too.
const LEAST_WINDOWS_NUMBER: i32 = 10_000;

/// A word of a question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Term {
    /// Letters in small ones without the ending, or a number as it is.
    Word(String),
    /// An error, and the systems that name or number it so.
    Error(SocketError, Vec<Os>),
}

impl Term {
    /// How well `other` fits, from 0 to 1.
    pub(super) fn fits(&self, other: &Term) -> f64 {
        const IN_PART: f64 = 0.6;
        let in_part = |one: &str, other: &str| is_beginning(one, other) || is_part(one, other);
        match (self, other) {
            (one, other) if one == other => 1.0,
            (Term::Word(one), Term::Word(other)) if in_part(one, other) || in_part(other, one) => IN_PART,
            (Term::Error(one, on), Term::Error(other, other_on)) if one == other => {
                let count = |is_one: fn(bool, bool) -> bool| {
                    Os::ALL.iter().filter(|os| is_one(on.contains(os), other_on.contains(os))).map(|_| 1.0).sum::<f64>()
                };
                IN_PART + (1.0 - IN_PART) * count(|one, other| one && other) / count(|one, other| one || other)
            }
            _ => 0.0,
        }
    }

    fn is_error(&self) -> bool {
        matches!(self, Term::Error(..))
    }

    /// Whether it is a number that is no error's.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Term::Word(word) if is_number(word))
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

/// Whether `typed` is `word` with one letter wrong, too many or left out, or with two of them swapped. The first one is
/// right.
pub(super) fn is_misspelt(typed: &str, word: &str) -> bool {
    let is_one_off = |typed: &str, word: &str| {
        let longer = typed.chars().count().max(word.chars().count());
        let is_swapped = || typed.len() == word.len() && word.chars().all(|letter| typed.contains(letter));
        (longer >= LEAST_MISSPELT || longer + 1 == LEAST_MISSPELT && is_swapped())
            && typed.chars().next() == word.chars().next()
            && strsim::osa_distance(typed, word) == 1
    };
    !is_number(typed) && (is_one_off(typed, word) || is_one_off(stem(typed), stem(word)))
}

/// Whether `typed` is a word that tells nothing, misspelt.
pub(super) fn is_misspelt_stop_word(typed: &str) -> bool {
    STOP_WORDS.split_whitespace().any(|word| word.len() >= LEAST_MISSPELT && is_misspelt(typed, word))
}

/// The words of `text` that tell it from others, each once with how it is written there.
pub(super) fn terms(text: &str) -> Vec<(String, Term)> {
    Reader::default().terms(text)
}

/// Reads texts. What stands between two spaces comes again and again, and what it says is worked out once.
#[derive(Default)]
pub(super) struct Reader {
    pieces: HashMap<String, Vec<Rc<Word>>>,
}

/// A word in small letters, and what it says by itself.
struct Word {
    small: String,
    number: Option<i32>,
    /// The errors whose words begin with it.
    begins: Vec<SocketError>,
    /// What it stands for, unless it is the number of an error.
    terms: Vec<Term>,
}

impl Reader {
    /// As [`terms`].
    pub(super) fn terms(&mut self, text: &str) -> Vec<(String, Term)> {
        let words = self.words(text);
        let mut terms: Vec<(String, Term)> = Vec::new();
        let mut add = |word: &str, term: Term| {
            if !terms.iter().any(|(_, known)| *known == term) {
                terms.push((word.to_owned(), term));
            }
        };
        for error in described(&words) {
            add(error.words(), Term::Error(error, error.systems().collect()));
        }
        for (place, word) in words.iter().enumerate() {
            terms_of(word, &words, place).into_iter().for_each(|term| add(&word.small, term));
        }
        let errors: Vec<Term> = terms.iter().map(|(_, term)| term).filter(|term| term.is_error()).cloned().collect();
        terms.retain(|(_, term)| !errors.iter().any(|other| says_less(term, other)));
        terms
    }

    /// The words of `text`, but for lines that only say where in a program an error came up.
    fn words(&mut self, text: &str) -> Vec<Rc<Word>> {
        let text = text.trim();
        let is_place =
            |line: &&str| line.starts_with([' ', '\t']) || PLACES.iter().any(|place| line.starts_with(place));
        let has_lines = text.contains('\n');
        let lines = text.lines().filter(|line| !has_lines || !is_place(line));
        let mut words = Vec::new();
        for piece in lines.flat_map(str::split_whitespace) {
            match self.pieces.get(piece) {
                Some(known) => words.extend_from_slice(known),
                None => {
                    let new: Vec<Rc<Word>> = split(piece).into_iter().map(|small| Rc::new(Word::new(small))).collect();
                    words.extend_from_slice(&new);
                    self.pieces.insert(piece.to_owned(), new);
                }
            }
        }
        words
    }
}

impl Word {
    fn new(small: String) -> Self {
        let begins = |error: &SocketError| error.words().split(' ').next() == Some(small.as_str());
        let begins = SocketError::all().filter(begins).collect();
        Word { number: small.parse().ok(), begins, terms: terms_by_itself(&small), small }
    }
}

/// The errors whose words are among `words`, one after another.
fn described(words: &[Rc<Word>]) -> Vec<SocketError> {
    let is_there = |error: &SocketError, words: &[Rc<Word>]| {
        let mut there = words.iter().map(|word| word.small.as_str());
        error.words().split(' ').all(|own| there.next() == Some(own))
    };
    let begun = words.iter().enumerate().filter(|(_, word)| !word.begins.is_empty());
    let there =
        begun.flat_map(|(place, word)| word.begins.iter().filter(move |error| is_there(error, &words[place..])));
    let there: Vec<&SocketError> = there.collect();
    // In the order in which errors are told.
    SocketError::all().filter(|error| there.contains(&error)).collect()
}

/// Whether `other` is the same error, and tells more of the system: a number does, words do not.
fn says_less(term: &Term, other: &Term) -> bool {
    match (term, other) {
        (Term::Error(error, on), Term::Error(same, fewer)) => {
            error == same && fewer.len() < on.len() && fewer.iter().all(|os| on.contains(os))
        }
        _ => false,
    }
}

/// The words of a `piece` between spaces, in small letters. 127.0.0.1 is one word, and so is `SO_RCVBUF`; of
/// `java.net.BindException` the last name counts.
fn split(piece: &str) -> Vec<String> {
    // Whose addresses and ports they are, only the one who asks can know.
    let is_endpoint = |piece: &&str| piece.trim_matches(|c| "\"'(),;:/".contains(c)).parse::<SocketAddr>().is_ok();
    let pieces = piece.split("->").filter(|piece| !is_endpoint(piece));
    let pieces = pieces.flat_map(|piece| piece.split(|c: char| !c.is_alphanumeric() && !"._".contains(c)));
    let names = pieces.map(|piece| piece.trim_matches('.')).map(|piece| match is_number(piece) {
        true => piece,
        false => piece.rsplit('.').next().unwrap_or(piece),
    });
    names.flat_map(words_of_class).filter(|word| !word.is_empty()).collect()
}

/// The words of a name such as `ConnectionRefusedError`, without the last one; another name is one word.
fn words_of_class(name: &str) -> Vec<String> {
    let small = name.to_lowercase();
    let class = CLASSES.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or_default();
    if class.is_empty() || contains(BEFORE_NUMBERS, &small) {
        return vec![small];
    }
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in class.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        words.iter_mut().last().into_iter().for_each(|word| word.extend(letter.to_lowercase()));
        before = letter;
    }
    words
}

/// What `word`, at its place among `words`, stands for: a number may be two errors', a stop word is nothing.
fn terms_of(word: &Word, words: &[Rc<Word>], place: usize) -> Vec<Term> {
    let before = place.checked_sub(1).and_then(|before| words.get(before));
    let errors = word.number.map(|number| errors_numbered(number, before.map(|word| word.small.as_str()), words));
    errors.filter(|errors| !errors.is_empty()).unwrap_or_else(|| word.terms.clone())
}

fn terms_by_itself(word: &str) -> Vec<Term> {
    if let Some(error) = SocketError::named(word) {
        let named_so = |os: &Os| error.on(*os).name.starts_with("WSA") || !word.starts_with("wsa");
        return vec![Term::Error(error, error.systems().filter(named_so).collect())];
    }
    match NOISE.contains(word) || !is_number(word) && word.chars().count() == 1 {
        true => Vec::new(),
        false => vec![Term::Word(same(word).to_owned())],
    }
}

fn errors_numbered(number: i32, before: Option<&str>, words: &[Rc<Word>]) -> Vec<Term> {
    let is_meant = |error: &SocketError| is_error_number(number, *error, before, words);
    let numbered_so = |error: SocketError| error.systems().filter(move |os| error.on(*os).number == number);
    let meant = SocketError::numbered(number).filter(is_meant);
    meant.map(|error| Term::Error(error, numbered_so(error).collect())).collect()
}

/// Whether `number` stands for `error` there: alone, so large as those of Windows, behind a word that announces it or
/// beside the error's own words.
fn is_error_number(number: i32, error: SocketError, before: Option<&str>, words: &[Rc<Word>]) -> bool {
    let is_announced = before.is_some_and(|word| contains(BEFORE_NUMBERS, word) || SocketError::named(word).is_some());
    let is_described = || error.words().split(' ').all(|own| words.iter().any(|word| word.small == own));
    words.len() == 1 || number >= LEAST_WINDOWS_NUMBER || is_announced || is_described()
}

fn contains(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// The word that stands for `word`, without its ending.
fn same(word: &str) -> &str {
    stem(FIRST.get(word).or_else(|| FIRST.get(stem(word))).unwrap_or(&word))
}

/// `word` without its ending: waits, waited and waiting are the same.
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
            Term::Error(error, _) => error.words().to_uppercase(),
        };
        terms(text).into_iter().map(term).collect()
    }

    #[test]
    fn words_are_small_without_endings_and_once() {
        assert_eq!(words("Why is the SO_RCVBUF of my socket so small? Sockets!"), ["so_rcvbuf", "socket", "small"]);
        assert_eq!(words("receives received, receiving receive"), ["receiv"]);
        assert_eq!(
            words("loss losses address bind 0.0.0.0 net.core.rmem_max."),
            ["lost", "address", "bind", "0.0.0.0", "rmem_max"]
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
        assert_eq!([fits("bin", "bind"), fits("6550", "65507"), fits("hint", "hurt")], [0.0; 3]);
    }

    #[test]
    fn a_number_says_which_system_is_meant() {
        let fits = |one: &str, other: &str| terms(one)[0].1.fits(&terms(other)[0].1);
        assert_eq!([fits("errno 90", "[Errno 90]"), fits("errno 90", "WinError 10040")], [1.0, 0.6]);
        assert!((0.6..1.0).contains(&fits("errno 90", "EMSGSIZE")));
        assert_eq!(terms("EMSGSIZE [Errno 90] Message too long")[0], terms("errno 90")[0], "once");
    }

    #[test]
    fn what_a_message_says_of_its_program_tells_nothing() {
        for (message, told) in [
            ("java.net.SocketTimeoutException", &["socket", "timeout"][..]),
            ("read udp 127.0.0.1:5000: i/o timeout", &["read", "timeout"]),
            ("read udp 127.0.0.1:1->[::1]:2", &["read"]),
            ("timeout\n    at Socket.receive (node:dgram:1)\nAt line:1 char:1\n+ $u.Receive()", &["timeout"]),
            ("  python receive", &["receiv"]),
        ] {
            assert_eq!(words(message), told, "{message}");
        }
        assert_eq!(words("ConnectionRefusedError"), ["CONNECTION REFUSED", "connection", "refus"]);
    }

    #[test]
    fn a_word_is_known_with_one_letter_wrong() {
        for (typed, word) in
            [("recieve", "receive"), ("adress", "address"), ("recieving", "received"), ("bidn", "bind")]
        {
            assert!(is_misspelt(typed, word), "{typed}");
        }
        for (typed, word) in [("bond", "bind"), ("found", "bound"), ("10045", "10054"), ("relay", "really")] {
            assert!(!is_misspelt(typed, word), "{typed}");
        }
        assert!(is_misspelt_stop_word("befor") && !is_misspelt_stop_word("recieve"));
    }
}
