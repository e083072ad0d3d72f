//! Which questions and rows have the words that somebody looks for, best first.

use super::Question;
use super::words::{Term, terms};
use crate::kernel::option;
use crate::lessons::{Lesson, Scene};
use crate::vocabulary::{Claim, Expect, Fact, OptionName, Os, SocketError};

/// Answers that are shown at most.
const MOST: usize = 5;

/// What fits less than this part of the best answer is not shown.
const LEAST_PART: f64 = 0.5;

/// How much words count: those in which a question is asked, and those that only stand beside it.
const OWN: f64 = 1.0;
const BESIDE: f64 = 0.5;

/// How much an answer counts that nobody wrote for a question, beside one that somebody did.
const UNASKED: f64 = 0.7;

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
    /// The whole screen.
    Screen,
}

impl Look {
    /// The row in words, as it is printed.
    pub fn row(&self) -> Option<&str> {
        match self {
            Look::Row(_, claim) => Some(&claim.property),
            Look::Printed(text) => Some(text),
            Look::Screen => None,
        }
    }

    /// The words of the row, and the names of the errors that are expected there.
    fn words(&self) -> String {
        match self {
            Look::Row(_, claim) => format!("{} {}", claim.property, expected_errors(claim)),
            Look::Printed(text) => text.clone(),
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
    /// The words that nothing has.
    pub unknown: Vec<String>,
    /// The answers, best first.
    pub answers: Vec<&'i Answer>,
}

/// Everything that can be found, with its words.
pub struct Index {
    entries: Vec<Entry>,
}

struct Entry {
    answer: Answer,
    terms: Vec<(Term, f64)>,
    weight: f64,
}

impl Index {
    /// The `questions`, and what `lessons` say of themselves: their names and questions, their scenes and rows.
    ///
    /// # Errors
    /// A sentence: a question names a row that its lesson does not have. The tests see to it that none does.
    pub fn new(questions: &[Question], lessons: &[&'static Lesson]) -> Result<Self, String> {
        let known = lessons.iter().map(|lesson| Ok((*lesson, lesson.default_scenes()?)));
        let known = known.collect::<Result<Vec<_>, clap::Error>>().map_err(|error| error.to_string())?;
        let asked = questions.iter().map(|question| Entry::of_question(question, &known));
        let mut entries = asked.collect::<Result<Vec<_>, String>>()?;
        for (lesson, scenes) in &known {
            entries.push(Entry::of_lesson(lesson));
            let rows = scenes.iter().flat_map(|scene| scene.claimed().iter().map(move |claim| (scene, claim)));
            let is_asked = |claim: &Claim| {
                let looked_at = |question: &Question| question.lesson() == lesson.name && question.row == claim.id;
                questions.iter().any(looked_at)
            };
            let unasked = rows.filter(|(_, claim)| !is_asked(claim));
            entries.extend(unasked.map(|(scene, claim)| Entry::of_row(lesson, scene, claim)));
        }
        Ok(Index { entries })
    }

    /// What has the words of `text`; the more and the rarer they are, the better it fits.
    pub fn search(&self, text: &str) -> Found<'_> {
        let asked = terms(text);
        let mut scores = vec![0.0; self.entries.len()];
        let mut unknown = Vec::new();
        for (word, term) in &asked {
            let fits: Vec<f64> = self.entries.iter().map(|entry| entry.fits(term)).collect();
            let having = fits.iter().filter(|fit| **fit > 0.0).count();
            if having == 0 && matches!(term, Term::Word(_)) {
                unknown.push(word.clone());
            }
            // In whole bits: a logarithm of fractions would load libm, which is a tenth of the time to start.
            let rarity = f64::from((1 + self.entries.len() / having.max(1)).ilog2());
            scores.iter_mut().zip(&fits).for_each(|(score, fit)| *score += fit * rarity);
        }
        let errors = asked.iter().filter_map(|(_, term)| match term {
            Term::Error(error) => Some(*error),
            Term::Word(_) => None,
        });
        Found { errors: errors.collect(), options: options(text), unknown, answers: self.best(&scores) }
    }

    /// The answers with the best scores; of the rows of a scene that nobody asks for, only the best.
    fn best(&self, scores: &[f64]) -> Vec<&Answer> {
        let mut ranked: Vec<(f64, &Entry)> =
            self.entries.iter().zip(scores).map(|(entry, score)| (score * entry.weight, entry)).collect();
        // Stable: of equal ones, the questions come first, in the page's order.
        ranked.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let best = ranked.first().map_or(0.0, |(score, _)| *score);
        let mut answers: Vec<&Answer> = Vec::new();
        for (score, Entry { answer, .. }) in ranked {
            let is_known = |known: &&Answer| answer.sentence.is_none() && known.command == answer.command;
            if score > 0.0 && score >= best * LEAST_PART && answers.len() < MOST && !answers.iter().any(is_known) {
                answers.push(answer);
            }
        }
        answers
    }
}

/// The options that `text` names.
fn options(text: &str) -> Vec<&'static OptionName> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let is_named = |option: &&OptionName| words.iter().any(|word| word.eq_ignore_ascii_case(option.name));
    option::ALL.iter().copied().filter(is_named).collect()
}

impl Entry {
    fn of_question(question: &Question, lessons: &[(&'static Lesson, Vec<Scene>)]) -> Result<Self, String> {
        let Question { text, command, row, sentence, also, .. } = question;
        let name = question.lesson();
        let look = match lessons.iter().find(|(lesson, _)| lesson.name == name) {
            None => Look::Printed(row.clone()),
            Some((lesson, scenes)) => {
                let claim = scenes.iter().flat_map(Scene::claimed).find(|claim| claim.id == *row);
                let claim = claim.ok_or_else(|| format!("docs/questions.md, \"{text}\": {name} has no row {row}"))?;
                Look::Row(lesson.name, Box::new(claim.clone()))
            }
        };
        let answer = Answer { heading: text.clone(), command: command.clone(), look, sentence: Some(sentence.clone()) };
        let row = answer.look.words();
        Ok(Entry::new(answer, OWN, &format!("{text} {also}"), &format!("{sentence} {command} {row}")))
    }

    fn of_lesson(lesson: &Lesson) -> Self {
        let answer = Answer {
            heading: lesson.question.to_owned(),
            command: lesson.name.to_owned(),
            look: Look::Screen,
            sentence: None,
        };
        Entry::new(answer, UNASKED, &format!("{} {}", lesson.name, lesson.question), lesson.title)
    }

    fn of_row(lesson: &'static Lesson, scene: &Scene, claim: &Claim) -> Self {
        let answer = Answer {
            heading: format!("{}: {}", lesson.name, scene.title()),
            command: format!("{} --scene {}", lesson.name, scene.id()),
            look: Look::Row(lesson.name, Box::new(claim.clone())),
            sentence: None,
        };
        let own = answer.look.words();
        Entry::new(answer, UNASKED, &own, &format!("{} {} {}", lesson.name, scene.id(), scene.title()))
    }

    /// An entry with its `own` words, and those that stand `beside` it; the words of an error that it names are beside it, too.
    fn new(answer: Answer, weight: f64, own: &str, beside: &str) -> Self {
        let weighted = |text: &str, weight: f64| -> Vec<(Term, f64)> {
            terms(text).into_iter().map(|(_, term)| (term, weight)).collect()
        };
        let mut all = weighted(own, OWN);
        all.extend(weighted(beside, BESIDE));
        let described = all.iter().filter_map(|(term, _)| match term {
            Term::Error(error) => Some(weighted(error.words(), BESIDE)),
            Term::Word(_) => None,
        });
        let described: Vec<_> = described.flatten().collect();
        all.extend(described);
        Entry { answer, terms: all, weight }
    }

    /// How well it has `term`.
    fn fits(&self, term: &Term) -> f64 {
        self.terms.iter().map(|(own, weight)| own.fits(term) * weight).fold(0.0, f64::max)
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
