//! A lesson's question as a choice, and what was chosen.

/// Answers to a lesson's question: one is right, the others are what people really believe.
#[derive(Clone, Copy, Debug)]
pub struct Guess {
    /// The answers, three or four.
    pub answers: &'static [&'static str],
    /// The place of the right one, from 0.
    pub right: usize,
    /// The row that shows it.
    pub row: &'static str,
    /// What follows the word "Because": the reason in one short sentence.
    pub because: &'static str,
}

impl Guess {
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
        format!("{}) {}", Guess::letter(place), self.answers[place])
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

    const GUESS: Guess = Guess { answers: &["Yes.", "No.", "It depends."], right: 1, row: "row", because: "it is so." };

    #[test]
    fn a_letter_has_a_place_where_there_is_an_answer() {
        let place = |letter| GUESS.place_of(letter);
        assert_eq!((place("a"), place("B"), place("c")), (Some(0), Some(1), Some(2)));
        assert_eq!((place("d"), place(""), place("ab"), place("1")), (None, None, None, None));
    }

    #[test]
    fn an_answer_has_its_letter() {
        assert_eq!((GUESS.answer(1).as_str(), GUESS.last_letter(), Guess::letter(26)), ("b) No.", 'c', '?'));
    }
}
