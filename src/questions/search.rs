//! Which questions and rows have the words that somebody looks for, best first.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::Question;
use super::words::{Reader, Term, is_misspelt, is_misspelt_stop_word, terms};
use crate::kernel::option;
use crate::lessons::{Lesson, Scene};
use crate::vocabulary::{Claim, Expect, Fact, OptionName, Os, SocketError};

/// Answers that are shown at most.
const MOST: usize = 5;

/// What fits less than this part of the best answer is not shown.
const LEAST_PART: f64 = 0.5;

/// Of what was asked, the part that the best answer has at least: to be shown at all, and to be more than the nearest
/// one.
const LEAST_OF_NEAREST: f64 = 0.4;
const LEAST_OF_ANSWER: f64 = 0.55;

/// Answers that are shown at most where none fits.
const MOST_OF_NEAREST: usize = 3;

/// How much words count: those in which a question is asked, and those that only stand beside it.
const OWN: f64 = 1.0;
const BESIDE: f64 = 0.5;

/// How much an answer counts that nobody wrote for a question, beside one that somebody did.
const UNASKED: f64 = 0.7;

/// How much a term of the glossary counts where somebody asks what it is.
const DEFINED: f64 = 1.5;

/// How much an answer about TCP counts where nobody asks about it.
const OF_TCP: f64 = 0.8;

/// How much more an error says than a word.
const OF_ERROR: f64 = 2.0;

/// How much a word counts that nothing has: as much as one that few answers have.
const OF_UNKNOWN: f64 = 6.0;

/// How somebody begins who asks for the meaning of a term.
const ASKS_FOR_MEANING: [&str; 7] =
    ["what is ", "what's ", "whats ", "what are ", "what does ", "define ", "meaning of "];

/// What answers a question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The question, or what the scene or the lesson shows.
    pub heading: String,
    /// The arguments of the program.
    pub command: String,
    /// Where to look.
    pub look: Look,
    /// What is to be seen there; nothing where only the words of a lesson were found.
    pub sentence: Option<String>,
}

/// What to look at in the results of a command.
#[derive(Clone, Debug)]
pub enum Look {
    /// A row of this lesson.
    Row(&'static str, Box<Claim>),
    /// A row of a program's table, as it is printed.
    Printed(String),
    /// A heading of a page.
    Section(String),
    /// The whole screen.
    Screen,
}

impl Look {
    /// The row in words, as it is printed.
    pub fn row(&self) -> Option<&str> {
        match self {
            Look::Row(_, claim) => Some(&claim.property),
            Look::Printed(text) => Some(text),
            Look::Section(_) | Look::Screen => None,
        }
    }

    /// The heading of the page.
    pub fn section(&self) -> Option<&str> {
        match self {
            Look::Section(heading) => Some(heading),
            Look::Row(..) | Look::Printed(_) | Look::Screen => None,
        }
    }

    /// The words of the row, and the names of the errors that are expected there.
    fn words(&self) -> String {
        match self {
            Look::Row(_, claim) => format!("{} {}", claim.property, expected_errors(claim)),
            Look::Printed(text) | Look::Section(text) => text.clone(),
            Look::Screen => String::new(),
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Found<'i> {
    /// The errors that were named or numbered.
    pub errors: Vec<SocketError>,
    /// The options that were named.
    pub options: Vec<&'static OptionName>,
    /// The words that were misspelt, each with the one that was meant.
    pub misspelt: Vec<(String, String)>,
    /// The words that nothing has.
    pub unknown: Vec<String>,
    /// Whether the answers are only the nearest ones: none has all that was asked.
    pub is_nearest: bool,
    /// The answers, best first.
    pub answers: Vec<&'i Answer>,
}

/// Everything that can be found, with its words.
pub struct Index {
    words: Words,
    entries: Vec<Entry>,
}

/// Each word once, in each way in which it is written; an entry names it by its place.
#[derive(Default)]
struct Words {
    all: Vec<(String, Term)>,
    places: HashMap<(String, Term), usize>,
    reader: Reader,
}

impl Words {
    /// The places of the words of `text`; what is new is added.
    fn places(&mut self, text: &str) -> Vec<usize> {
        let (all, places) = (&mut self.all, &mut self.places);
        let mut place = |word: (String, Term)| {
            places.get(&word).copied().unwrap_or_else(|| {
                all.push(word.clone());
                places.insert(word, all.len() - 1);
                all.len() - 1
            })
        };
        self.reader.terms(text).into_iter().map(&mut place).collect()
    }
}

struct Entry {
    answer: Answer,
    /// The place of each word, and how much it counts here.
    terms: Vec<(usize, f64)>,
    /// The words of each way in which it is asked.
    phrases: Vec<Vec<usize>>,
    weight: f64,
    is_definition: bool,
}

/// A word that was asked.
struct Asked {
    word: String,
    term: Term,
    /// How well each word of the index fits it, by its place.
    fits: Vec<f64>,
    rarity: f64,
}

impl Asked {
    fn is_unknown(&self) -> bool {
        self.fits.iter().all(|fit| *fit == 0.0)
    }
}

impl Index {
    /// The `questions`, the terms of the `glossary` with their meanings, and what `lessons` say of themselves: their
    /// names and questions, their scenes and rows.
    ///
    /// # Errors
    /// A sentence: a question names a row that its lesson does not have. The tests see to it that none does.
    pub fn new(
        questions: &[Question],
        glossary: &[(String, String)],
        lessons: &[&'static Lesson],
    ) -> Result<Self, String> {
        let known = lessons.iter().map(|lesson| Ok((*lesson, lesson.default_scenes()?)));
        let known = known.collect::<Result<Vec<_>, clap::Error>>().map_err(|error| error.to_string())?;
        let mut words = Words::default();
        let asked = questions.iter().map(|question| Entry::of_question(question, &known, &mut words));
        let mut entries = asked.collect::<Result<Vec<_>, String>>()?;
        entries.extend(glossary.iter().map(|(term, meaning)| Entry::of_term(term, meaning, &mut words)));
        let rows_asked: HashSet<(&str, &str)> =
            questions.iter().map(|question| (question.lesson(), question.row.as_str())).collect();
        for (lesson, scenes) in &known {
            entries.push(Entry::of_lesson(lesson, &mut words));
            let rows = scenes.iter().flat_map(|scene| scene.claims().iter().map(move |claim| (scene, claim)));
            let unasked = rows.filter(|(_, claim)| !rows_asked.contains(&(lesson.name, claim.id.as_str())));
            entries.extend(unasked.map(|(scene, claim)| Entry::of_row(lesson, scene, claim, &mut words)));
        }
        Ok(Index { words, entries })
    }

    /// What has the words of `text`: the more and the rarer they are, and the closer to a way in which it is asked, the
    /// better it fits.
    pub fn search(&self, text: &str) -> Found<'_> {
        let (mut asked, mut misspelt) = (Vec::new(), Vec::new());
        for (word, term) in terms(text) {
            let mut one = self.asked(word, term);
            if one.is_unknown() && is_misspelt_stop_word(&one.word) {
                continue;
            }
            if let (true, Some((meant, term))) = (one.is_unknown(), self.meant(&one.word)) {
                misspelt.push((one.word, meant.to_owned()));
                one = self.asked(meant.to_owned(), term.clone());
            }
            asked.push(one);
        }
        let is_counted = |one: &Asked| one.is_unknown() && matches!(one.term, Term::Word(_)) && !one.term.is_number();
        let unknown: Vec<String> = asked.iter().filter(|one| is_counted(one)).map(|one| one.word.clone()).collect();
        let mut errors: Vec<SocketError> = Vec::new();
        for one in &asked {
            if let Term::Error(error, _) = &one.term
                && !errors.contains(error)
            {
                errors.push(*error);
            }
        }
        // A message that is pasted has names of its program, too.
        asked.retain(|one| !one.is_unknown() || is_counted(one) && errors.is_empty());
        let (part, answers) = self.best(&asked, text);
        let is_nearest = part < LEAST_OF_ANSWER || errors.is_empty() && !unknown.is_empty();
        let shown = match is_nearest {
            _ if part < LEAST_OF_NEAREST => 0,
            true => MOST_OF_NEAREST,
            false => MOST,
        };
        let answers = answers.into_iter().take(shown).collect();
        Found { errors, options: options(text), misspelt, unknown, is_nearest, answers }
    }

    fn asked(&self, word: String, term: Term) -> Asked {
        let fits: Vec<f64> = self.words.all.iter().map(|(_, own)| own.fits(&term)).collect();
        let having = self.entries.iter().filter(|entry| entry.fits(&fits) > 0.0).count();
        // In whole bits: a logarithm of fractions would load libm, which is a tenth of the time to start.
        let bits = f64::from((1 + self.entries.len() / having.max(1)).ilog2());
        let rarity = match term {
            _ if having == 0 => OF_UNKNOWN,
            Term::Error(..) => bits * OF_ERROR,
            Term::Word(_) => bits,
        };
        Asked { word, term, fits, rarity }
    }

    /// The word that was meant by `typed`, which nothing has: of those that are spelt most nearly so, the one that most
    /// entries have.
    fn meant(&self, typed: &str) -> Option<(&str, &Term)> {
        let is_meant =
            |(_, (word, term)): &(usize, &(String, Term))| matches!(term, Term::Word(_)) && is_misspelt(typed, word);
        let having = |place: usize| {
            let has_it = |entry: &&Entry| entry.terms.iter().any(|(own, _)| *own == place);
            self.entries.iter().filter(has_it).count()
        };
        let candidates = self.words.all.iter().enumerate().filter(is_meant);
        let closest = |word: &str| Reverse(strsim::osa_distance(typed, word));
        candidates
            .max_by_key(|(place, (word, _))| (closest(word), having(*place)))
            .map(|(_, (word, term))| (word.as_str(), term))
    }

    /// The part of what was asked that the best answer has, and the answers, best first; of the rows of a scene that
    /// nobody asks for, only the best.
    fn best(&self, asked: &[Asked], text: &str) -> (f64, Vec<&Answer>) {
        let text = text.trim_start().to_lowercase();
        let asks_for_meaning = ASKS_FOR_MEANING.iter().any(|start| text.starts_with(start));
        let asks_for_tcp = text.contains("tcp");
        let mut ranked: Vec<(f64, &Entry)> = Vec::new();
        for entry in &self.entries {
            let score: f64 = asked.iter().map(|one| entry.fits(&one.fits) * one.rarity).sum();
            let closeness = entry.closeness(asked);
            let of_tcp = if entry.is_about_tcp() && !asks_for_tcp { OF_TCP } else { 1.0 };
            let defined = if entry.is_definition && asks_for_meaning { DEFINED } else { 1.0 };
            ranked.push((score * (1.0 + closeness) * entry.weight * of_tcp * defined, entry));
        }
        // Stable: of equal ones, the questions come first, in the page's order.
        ranked.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let Some((best, first)) = ranked.first().copied() else { return (0.0, Vec::new()) };
        let had = || asked.iter().filter(|one| first.fits(&one.fits) > 0.0);
        let rarity = |sum: f64, one: &Asked| sum + one.rarity;
        let part = match asked.iter().fold(0.0, rarity) {
            // Beside an error, a message has words of the program that made it.
            _ if had().any(|one| matches!(one.term, Term::Error(..))) => 1.0,
            0.0 => 0.0,
            all => had().fold(0.0, rarity) / all,
        };
        let mut answers: Vec<&Answer> = Vec::new();
        for (score, Entry { answer, .. }) in ranked {
            let is_known = |known: &&Answer| answer.sentence.is_none() && known.command == answer.command;
            if score > 0.0 && score >= best * LEAST_PART && answers.len() < MOST && !answers.iter().any(is_known) {
                answers.push(answer);
            }
        }
        (part, answers)
    }
}

/// The options that `text` names.
fn options(text: &str) -> Vec<&'static OptionName> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let is_named = |option: &&OptionName| words.iter().any(|word| word.eq_ignore_ascii_case(option.name));
    option::ALL.iter().copied().filter(is_named).collect()
}

impl Entry {
    fn of_question(
        question: &Question,
        lessons: &[(&'static Lesson, Vec<Scene>)],
        words: &mut Words,
    ) -> Result<Self, String> {
        let Question { text, command, row, sentence, also, .. } = question;
        let name = question.lesson();
        let look = match lessons.iter().find(|(lesson, _)| lesson.name == name) {
            None if question.is_section => Look::Section(row.clone()),
            None => Look::Printed(row.clone()),
            Some((lesson, scenes)) => {
                let claim = scenes.iter().flat_map(Scene::claims).find(|claim| claim.id == *row);
                let claim = claim.ok_or_else(|| format!("docs/questions.md, \"{text}\": {name} has no row {row}"))?;
                Look::Row(lesson.name, Box::new(claim.clone()))
            }
        };
        let answer = Answer { heading: text.clone(), command: command.clone(), look, sentence: Some(sentence.clone()) };
        let row = answer.look.words();
        let ways: Vec<&str> = [text.as_str()].into_iter().chain(also.split(';')).collect();
        Ok(Entry::new(answer, OWN, &ways, &format!("{sentence} {command} {row}"), words))
    }

    fn of_term(term: &str, meaning: &str, words: &mut Words) -> Self {
        let answer = Answer {
            heading: format!("What is \"{term}\"?"),
            command: "explain glossary".to_owned(),
            look: Look::Section(term.to_owned()),
            sentence: Some(meaning.to_owned()),
        };
        let names: Vec<&str> = term.split(['(', ',']).collect();
        Entry { is_definition: true, ..Entry::new(answer, UNASKED, &names, meaning, words) }
    }

    fn of_lesson(lesson: &Lesson, words: &mut Words) -> Self {
        let answer = Answer {
            heading: lesson.question.to_owned(),
            command: lesson.name.to_owned(),
            look: Look::Screen,
            sentence: None,
        };
        Entry::new(answer, UNASKED, &[lesson.name, lesson.question], lesson.title, words)
    }

    fn of_row(lesson: &'static Lesson, scene: &Scene, claim: &Claim, words: &mut Words) -> Self {
        let answer = Answer {
            heading: format!("{}: {}", lesson.name, scene.title()),
            command: format!("{} --scene {}", lesson.name, scene.id()),
            look: Look::Row(lesson.name, Box::new(claim.clone())),
            sentence: None,
        };
        let own = answer.look.words();
        Entry::new(answer, UNASKED, &[&own], &format!("{} {} {}", lesson.name, scene.id(), scene.title()), words)
    }

    /// An entry with the `ways` in which it is asked, and the words that stand `beside` it; those of an error that it
    /// names are beside it, too.
    fn new(answer: Answer, weight: f64, ways: &[&str], beside: &str, words: &mut Words) -> Self {
        let phrases: Vec<Vec<usize>> = ways.iter().map(|way| words.places(way)).collect();
        let mut terms: Vec<(usize, f64)> = phrases.iter().flatten().map(|place| (*place, OWN)).collect();
        terms.extend(words.places(beside).into_iter().map(|place| (place, BESIDE)));
        let described = terms.iter().filter_map(|(place, _)| match &words.all[*place].1 {
            Term::Error(error, _) => Some(error.words()),
            Term::Word(_) => None,
        });
        let described = words.places(&described.collect::<Vec<_>>().join(" "));
        let is_word = |place: &usize| matches!(words.all[*place].1, Term::Word(_));
        terms.extend(described.into_iter().filter(is_word).map(|place| (place, BESIDE)));
        Entry { answer, terms, phrases, weight, is_definition: false }
    }

    /// How well it has a word that was asked, which each word of the index `fits` so well.
    fn fits(&self, fits: &[f64]) -> f64 {
        self.terms.iter().map(|(place, weight)| fits[*place] * weight).fold(0.0, f64::max)
    }

    /// How close what was asked is to a way in which this is asked, from 0 to 1: the words of either that the other
    /// has.
    fn closeness(&self, asked: &[Asked]) -> f64 {
        let counts = |words: usize| u32::try_from(words).map_or(f64::MAX, f64::from);
        let of_phrase = |phrase: &Vec<usize>| {
            let best = |one: &Asked| phrase.iter().map(|place| one.fits[*place]).fold(0.0, f64::max);
            2.0 * asked.iter().map(best).sum::<f64>() / counts(asked.len() + phrase.len()).max(1.0)
        };
        self.phrases.iter().map(of_phrase).fold(0.0, f64::max)
    }

    /// Whether it is about TCP more than about UDP.
    fn is_about_tcp(&self) -> bool {
        [&self.answer.heading, &self.answer.command].iter().any(|text| text.to_lowercase().contains("tcp"))
    }
}

/// The names of the errors that a row expects on some system.
fn expected_errors(claim: &Claim) -> String {
    let names = Os::ALL.into_iter().filter_map(|os| match claim.expected.on(os) {
        Expect::Is(Fact::Error(error)) | Expect::Unconfirmed(Fact::Error(error)) => Some(error.name.as_str()),
        _ => None,
    });
    names.collect::<Vec<_>>().join(" ")
}
