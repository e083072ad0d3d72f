//! The lessons, in teaching order.
//!
//! A lesson is a file of its own that ends in a [`Lesson`] value. A new one needs one word here, its name in
//! `lessons!`. Commands, help, `list`, `all`, `explain`, JSON and the tests follow from that list.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

pub use self::run::UNLIKE_WINE;
pub use self::scene::{Scene, SceneBuilder};
use crate::vocabulary::{Guess, PredictedScene, Prediction};

mod claims;
mod run;
mod scene;

macro_rules! lessons {
    ($($part:literal: $($name:ident),*;)*) => {
        $($(pub mod $name;)*)*

        /// Every lesson, in teaching order.
        pub static LESSONS: &[&Lesson] = &[$($(&$name::LESSON),*),*];

        /// The parts of the course: the title of each, and its lessons.
        pub static PARTS: &[(&str, &[&Lesson])] = &[$(($part, &[$(&$name::LESSON),*])),*];
    };
}

lessons! {
    "The article": boundaries, truncation, delivery, connectionless, concurrency, compare;
    "Names and addresses": ports, addresses, connect, sharing;
    "Silence and limits": unreachable, waiting, sizes, buffers;
    "Building on it": reliability;
}

/// A question about UDP, and the scenes that answer it.
pub struct Lesson {
    /// The subcommand, and the name of its demonstration page.
    pub name: &'static str,
    /// The property in a few words.
    pub title: &'static str,
    /// What somebody in class would ask.
    pub question: &'static str,
    /// Two or three sentences: why it is so, with the source.
    pub why: &'static str,
    /// The two to five rows that answer the question. Their scenes give the answer; the scene of the first is drawn.
    pub keys: &'static [&'static str],
    /// What people answer before they have seen it.
    pub guess: Guess,
    /// Arguments for the example in the help.
    pub example: &'static str,
    /// What a student may vary, and the scenes that follow from it.
    pub parameters: Parameters,
    /// The teacher's page, in Markdown.
    pub page: &'static str,
    /// A Python program that shows the key rows with nothing but sockets.
    pub python: &'static str,
}

/// The parameters of a lesson: a clap `Args` structure that makes the scenes.
pub trait Scenes: Args {
    /// The scenes in order. Nothing is run and no socket is opened here.
    ///
    /// # Errors
    /// A sentence for the user, when the parameters do not fit each other.
    fn scenes(self) -> Result<Vec<Scene>, String>;
}

/// A lesson's parameter type, as a value.
pub struct Parameters {
    augment: fn(Command) -> Command,
    scenes: fn(&ArgMatches) -> Result<Vec<Scene>, clap::Error>,
}

impl Parameters {
    /// The parameters of type `P`.
    pub const fn of<P: Scenes + FromArgMatches>() -> Self {
        Parameters {
            augment: |command| P::augment_args(command),
            scenes: |matches| {
                let scenes = P::from_arg_matches(matches)?.scenes();
                scenes.map_err(|text| clap::Error::raw(ErrorKind::ValueValidation, text + "\n"))
            },
        }
    }
}

impl Lesson {
    /// The lesson's parameters as arguments of `command`.
    pub fn augment(&self, command: Command) -> Command {
        (self.parameters.augment)(command)
    }

    /// The scenes for the parameters that were given.
    ///
    /// # Errors
    /// When the arguments do not fit the parameters.
    pub fn scenes(&self, matches: &ArgMatches) -> Result<Vec<Scene>, clap::Error> {
        let mut scenes = (self.parameters.scenes)(matches)?;
        scenes.iter_mut().zip(1..).for_each(|(scene, number)| scene.number = number);
        Ok(scenes)
    }

    /// The scenes with the lesson's default parameters.
    ///
    /// # Errors
    /// None, unless a default value does not fit its own parameter.
    pub fn default_scenes(&self) -> Result<Vec<Scene>, clap::Error> {
        let matches = self.augment(Command::new(self.name)).try_get_matches_from([self.name])?;
        self.scenes(&matches)
    }

    /// Whether no parameter was given: then the scenes are the [default ones](Self::default_scenes).
    pub fn uses_defaults(&self, matches: &ArgMatches) -> bool {
        let parameters = self.augment(Command::new(self.name));
        let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        !parameters.get_arguments().any(|parameter| given(parameter.get_id().as_str()))
    }

    /// What the lesson claims with these scenes, and nothing run.
    pub fn predict(&self, scenes: &[Scene]) -> Prediction {
        let of_scene = |scene: &Scene| PredictedScene { title: scene.title.clone(), claims: scene.claims.to_vec() };
        Prediction {
            lesson: self.name,
            title: self.title,
            question: self.question,
            why: self.why,
            scenes: scenes.iter().map(of_scene).collect(),
            observed: Vec::new(),
        }
    }

    /// The command to run after this lesson: the next one in teaching order, after the last all of them.
    pub fn next(&self) -> &'static str {
        let later = LESSONS.iter().skip_while(|lesson| lesson.name != self.name).nth(1);
        later.map_or("all", |lesson| lesson.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_last_lesson_come_all() {
        assert_eq!((LESSONS[0].next(), LESSONS[LESSONS.len() - 1].next()), (LESSONS[1].name, "all"));
    }
}
