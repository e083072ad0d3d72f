//! What learners ask, in their own words, each with the command that answers it and the row to look at.
//!
//! `docs/questions.md` is written by hand and compiled in. `udp-lab find` searches it, the glossary, and the lessons'
//! own words below them.

mod search;
mod words;

pub use self::search::{Answer, Found, Index, Look};

/// The page, in Markdown: a heading for each topic and for each question; below the question its answer, and other
/// words for it.
const PAGE: &str = include_str!("../../docs/questions.md");

/// One question of the page.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// The heading that it stands under.
    pub topic: String,
    /// The question, as somebody asks it.
    pub text: String,
    /// The arguments of the program that answers it.
    pub command: String,
    /// The row to look at: of a lesson by its id, of another command as it is printed.
    pub row: String,
    /// Whether the command prints a page, and `row` is a heading of it.
    pub is_section: bool,
    /// What is to be seen there.
    pub sentence: String,
    /// Other words in which it is asked, and messages that are pasted.
    pub also: String,
}

/// Every question of the page, in its order.
///
/// # Errors
/// A sentence: the page is not in its form. The tests see to it that it is.
pub fn all() -> Result<Vec<Question>, String> {
    parse(PAGE)
}

/// Reads the form that the page itself describes.
fn parse(page: &str) -> Result<Vec<Question>, String> {
    let mut topic = "";
    let mut questions: Vec<Question> = Vec::new();
    let blocks: Vec<String> = page.split("\n\n").map(|block| block.trim().replace('\n', " ")).collect();
    for block in &blocks {
        let last = questions.last_mut();
        if let Some(title) = block.strip_prefix("## ") {
            topic = title;
        } else if let Some(text) = block.strip_prefix("### ") {
            questions.push(Question::new(topic, text));
        } else if let (Some(question), Some(also)) = (last, block.strip_prefix("Also: ")) {
            also.clone_into(&mut question.also);
        } else if let Some(question) = questions.last_mut() {
            question.answer(block)?;
        }
    }
    match questions.iter().find(|question| question.command.is_empty()) {
        Some(question) => Err(format!("docs/questions.md has no answer to: {}", question.text)),
        None => Ok(questions),
    }
}

impl Question {
    fn new(topic: &str, text: &str) -> Self {
        let empty = String::new;
        Question {
            topic: topic.to_owned(),
            text: text.to_owned(),
            command: empty(),
            row: empty(),
            is_section: false,
            sentence: empty(),
            also: empty(),
        }
    }

    /// The lesson that is to be run, or the name of another command.
    fn lesson(&self) -> &str {
        self.command.split(' ').next().unwrap_or_default()
    }

    /// Takes the command, the row or the section, and the sentence from their paragraph.
    fn answer(&mut self, paragraph: &str) -> Result<(), String> {
        let parts = || {
            let rest = paragraph.strip_prefix("`udp-lab ")?;
            let (is_section, (command, rest)) = match rest.split_once("`, row `") {
                Some(parts) => (false, parts),
                None => (true, rest.split_once("`, section `")?),
            };
            let (row, sentence) = rest.split_once("`: ")?;
            self.command.is_empty().then_some((is_section, [command, row, sentence].map(str::to_owned)))
        };
        let Some((is_section, [command, row, sentence])) = parts() else {
            return Err(format!("docs/questions.md, \"{}\": no answer in the page's form: {paragraph}", self.text));
        };
        (self.command, self.row, self.is_section, self.sentence) = (command, row, is_section, sentence);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_its_topic_its_answer_and_other_words() {
        let page = "# Questions\n\nText.\n\n## Loss\n\n### Lost?\n\n`udp-lab delivery --scene tcp`, row `tcp-lost`: it is\nnot.\n\n\
                    Also: gone; missing.\n\n### Again?\n\n`udp-lab explain`, section `Wine`: there.\n";
        let questions = parse(page).unwrap();
        let expected = Question {
            topic: "Loss".to_owned(),
            text: "Lost?".to_owned(),
            command: "delivery --scene tcp".to_owned(),
            row: "tcp-lost".to_owned(),
            is_section: false,
            sentence: "it is not.".to_owned(),
            also: "gone; missing.".to_owned(),
        };
        assert_eq!(questions[0], expected);
        assert_eq!((questions.len(), questions[1].row.as_str(), questions[1].also.as_str()), (2, "Wine", ""));
        assert!(questions[1].is_section);
    }

    #[test]
    fn what_is_not_in_the_form_is_an_error_that_names_the_question() {
        for answer in ["", "Run it.\n", "`udp-lab a`: b\n", "`udp-lab a`, row `b`: c\n\n`udp-lab a`, row `b`: c\n"] {
            let error = parse(&format!("## A\n\n### Why?\n\n{answer}")).unwrap_err();
            assert!(error.contains("Why?"), "{error}");
        }
    }
}
