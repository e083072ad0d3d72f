//! A scene, and how a lesson writes one.

use std::sync::Arc;

use crate::lab::{Lab, SceneError};
use crate::vocabulary::{Claim, Need, Sentence};

/// One experiment: what is claimed, and what is then done.
pub struct Scene {
    pub(super) number: usize,
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) sentence: Option<Sentence>,
    pub(super) answer: String,
    pub(super) claims: Arc<[Claim]>,
    pub(super) run: Run,
}

pub(super) type Run = Box<dyn FnOnce(&Lab) -> Result<(), SceneError> + Send>;

impl Scene {
    /// The scene `id`, which is called `title`, with what it claims: written down before anything runs.
    pub fn builder(
        id: &'static str,
        title: impl Into<String>,
        claims: impl IntoIterator<Item = Claim>,
    ) -> SceneBuilder {
        let claims = claims.into_iter().collect();
        SceneBuilder { id, title: title.into(), answer: String::new(), sentence: None, claims }
    }

    /// The claims.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The sentence of a tutorial that it puts to the test.
    pub fn sentence(&self) -> Option<Sentence> {
        self.sentence
    }

    /// Its place among the scenes of its lesson, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// A stable word, unique in its lesson.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What the scene answers, in which `{id}` stands for what is observed of a row; empty where it answers nothing by
    /// itself.
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// What the scene shows.
    pub fn title(&self) -> &str {
        &self.title
    }
}

/// A scene that has said what it expects and not yet what it does.
pub struct SceneBuilder {
    id: &'static str,
    title: String,
    sentence: Option<Sentence>,
    answer: String,
    claims: Vec<Claim>,
}

impl SceneBuilder {
    /// Says which sentence of a tutorial the scene puts to the test.
    pub fn tests(mut self, sentence: Sentence) -> Self {
        self.sentence = Some(sentence);
        self
    }

    /// Answers, in a sentence or two made of observed values: `{id}` stands for what was observed of a row, `{id noun}`
    /// for as many of the noun; a user's text is [`literal`](crate::vocabulary::literal).
    pub fn answer(mut self, answer: impl Into<String>) -> Self {
        self.answer = answer.into();
        self
    }

    /// Says what the whole scene needs of the machine.
    pub fn needs(mut self, need: Need) -> Self {
        self.claims.iter_mut().for_each(|claim| claim.needs.push(need));
        self
    }

    /// Adds what the scene does.
    pub fn run(self, run: impl FnOnce(&Lab) -> Result<(), SceneError> + Send + 'static) -> Scene {
        self.with(Box::new(run))
    }

    fn with(self, run: Run) -> Scene {
        let SceneBuilder { id, title, answer, sentence, claims } = self;
        // `Lesson::scenes` numbers them.
        Scene { number: 0, id, title, answer, sentence, claims: claims.into(), run }
    }
}
