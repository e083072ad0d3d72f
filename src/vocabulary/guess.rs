//! A lesson's question as a choice, and what was chosen.

/// Answers to a lesson's question: one is right, the others are what people really believe.
#[derive(Clone, Copy, Debug)]
pub struct Guess {
    /// The answers, three or four.
    pub answers: &'static [PossibleAnswer],
    /// What follows the word "Because": the reason in one short sentence.
    pub because: &'static str,
}

/// One of the answers, with the row that decides about it.
#[derive(Clone, Copy, Debug)]
pub struct PossibleAnswer {
    /// The answer.
    pub text: &'static str,
    /// The row that shows the right answer, or that contradicts this wrong one.
    pub row: &'static str,
    /// Whether it is the right one.
    pub is_right: bool,
}

/// The right answer, and the row that shows it.
pub const fn right(text: &'static str, row: &'static str) -> PossibleAnswer {
    PossibleAnswer { text, row, is_right: true }
}

/// A wrong answer, and the row that contradicts it: whoever believes this answer expects another value there.
pub const fn wrong(text: &'static str, row: &'static str) -> PossibleAnswer {
    PossibleAnswer { text, row, is_right: false }
}

impl Guess {
    /// The place of the right answer, from 0.
    ///
    /// # Panics
    /// Where no answer is right.
    pub fn right(&self) -> usize {
        self.answers.iter().position(|answer| answer.is_right).expect("one answer is right")
    }

    /// The place of the answer with this letter.
    pub fn place_of(&self, letter: &str) -> Option<usize> {
        let [letter] = letter.as_bytes() else { return None };
        let place = usize::from(letter.to_ascii_lowercase().checked_sub(b'a')?);
        (place < self.answers.len()).then_some(place)
    }

    /// The letter of the answer at `place`.
    pub fn letter(place: usize) -> char {
        ('a'..='z').nth(place).unwrap_or('?')
    }

    /// The answer at `place`, with its letter.
    pub fn answer(&self, place: usize) -> String {
        format!("{}) {}", Guess::letter(place), self.answers[place].text)
    }

    /// The letter of the last answer.
    pub fn last_letter(&self) -> char {
        Guess::letter(self.answers.len().saturating_sub(1))
    }
}

/// What somebody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The answer at this place, from 0.
    Said(usize),
    /// Nobody could be asked, or nobody answered.
    Silent,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESS: Guess = Guess {
        answers: &[wrong("Yes.", "row"), right("No.", "row"), wrong("It depends.", "other")],
        because: "it is so.",
    };

    #[test]
    fn a_letter_has_a_place_where_there_is_an_answer() {
        let place = |letter| GUESS.place_of(letter);
        assert_eq!((place("a"), place("B"), place("c")), (Some(0), Some(1), Some(2)));
        assert_eq!((place("d"), place(""), place("ab"), place("1")), (None, None, None, None));
    }

    #[test]
    fn an_answer_has_its_letter() {
        assert_eq!((GUESS.answer(1).as_str(), GUESS.last_letter(), Guess::letter(26)), ("b) No.", 'c', '?'));
        assert_eq!(GUESS.right(), 1);
    }
}
