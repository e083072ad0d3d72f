//! The lessons, in teaching order, and how one is run.
//!
//! A lesson is a file of its own that ends in a [`Lesson`] value. A new one needs one line here: its name in
//! `lessons!`, and its page and its Python program in `demos/`. Commands, help, `list`, `all`, `explain`, JSON and the tests follow from that list.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::kernel::{self, HERE};
use crate::lab::{Lab, MachineChecks, Observer, SceneError, Session, Watchdog};
use crate::vocabulary::{
    Claim, Event, Expect, Fact, Guess, Need, Observation, Outcome, PredictedScene, Prediction, Protocol, Report,
    SceneReport, Sentence, Syscall, Verdict, judge,
};

mod claims;
pub mod parameters;

macro_rules! lessons {
    ($($part:literal: $($name:ident),*;)*) => {
        $($(pub mod $name;)*)*

        /// Every lesson, in teaching order.
        pub static LESSONS: &[&Lesson] = &[$($(&$name::LESSON),*),*];

        /// The parts of the course: the title of each, and its lessons.
        pub static PARTS: &[(&str, &[&Lesson])] = &[$(($part, &[$(&$name::LESSON),*])),*];

        /// Their teacher's pages, in the same order.
        static PAGES: &[&str] = &[$($(include_str!(concat!("../../demos/", stringify!($name), ".md"))),*),*];

        /// The same shown in Python, in the same order.
        static PYTHON: &[&str] = &[$($(include_str!(concat!("../../demos/", stringify!($name), ".py"))),*),*];
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

/// One experiment: what is claimed, and what is then done.
pub struct Scene {
    number: usize,
    id: &'static str,
    title: String,
    sentence: Option<Sentence>,
    answer: String,
    claims: Arc<[Claim]>,
    run: Run,
}

type Run = Box<dyn FnOnce(&Lab) -> Result<(), SceneError> + Send>;

impl Scene {
    /// The claims of the scene `id`, which is called `title`: written down before anything runs.
    pub fn claims(id: &'static str, title: impl Into<String>, claims: impl IntoIterator<Item = Claim>) -> Claimed {
        let claims = claims.into_iter().collect();
        Claimed { id, title: title.into(), answer: String::new(), sentence: None, claims }
    }

    /// The claims.
    pub fn claimed(&self) -> &[Claim] {
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

    /// What the scene answers, in which `{id}` stands for what is observed of a row; empty where it answers nothing by itself.
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// What the scene shows.
    pub fn title(&self) -> &str {
        &self.title
    }
}

/// A scene that has said what it expects and not yet what it does.
pub struct Claimed {
    id: &'static str,
    title: String,
    sentence: Option<Sentence>,
    answer: String,
    claims: Vec<Claim>,
}

impl Claimed {
    /// Says which sentence of a tutorial the scene puts to the test.
    pub fn tests(mut self, sentence: Sentence) -> Self {
        self.sentence = Some(sentence);
        self
    }

    /// Answers, in a sentence or two made of observed values: `{id}` stands for what was observed of a row, `{id noun}` for as
    /// many of the noun.
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
        let Claimed { id, title, answer, sentence, claims } = self;
        Scene { number: 0, id, title, answer, sentence, claims: claims.into(), run: Box::new(run) }
    }
}

impl Lesson {
    /// The teacher's page, in Markdown.
    pub fn page(&self) -> &'static str {
        self.place().map_or("", |place| PAGES[place])
    }

    /// A Python program that shows the key rows with nothing but sockets.
    pub fn python(&self) -> &'static str {
        self.place().map_or("", |place| PYTHON[place])
    }

    fn place(&self) -> Option<usize> {
        LESSONS.iter().position(|lesson| lesson.name == self.name)
    }

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

    /// Runs `scenes` and judges them; an `observer` is told of each call before it is made. A scene that an error ends early
    /// leaves its open rows skipped, and the next one runs.
    ///
    /// # Errors
    /// Where no datagram at all arrives on loopback; and when a scene does not keep to its own claims, a defect of the program.
    pub fn run(&self, scenes: Vec<Scene>, observer: Option<Arc<dyn Observer>>) -> Result<Report, SceneError> {
        let session = Arc::new(Session::new(observer));
        let mut reports = Vec::with_capacity(scenes.len());
        let (mut watchdog, mut checks) = (Watchdog::default(), MachineChecks::default());
        for scene in scenes {
            let report = play(scene, &session, &mut watchdog, &mut checks)?;
            if may_be_loopback(&report) {
                checks.check_loopback(&session)?;
            }
            reports.push(report);
        }
        Ok(Report {
            lesson: self.name,
            title: self.title,
            question: self.question,
            scenes: reports,
            keys: self.keys,
            guess: self.guess,
            why: self.why,
            next: self.next(),
            began: session.began(),
        })
    }
}

/// Whether it may be loopback that fails, and not UDP: a row differs, a call failed that no claim speaks of, or rows are open and
/// no datagram arrived, not even an end marker.
fn may_be_loopback(scene: &SceneReport) -> bool {
    let calls = || scene.events.iter().filter(|event| event.protocol == Protocol::Udp).filter_map(Event::call);
    let tried = calls().any(|(call, _)| matches!(call, Syscall::Send { .. }));
    let received = calls().any(|(_, outcome)| matches!(outcome, Outcome::Received(_)));
    let any = |verdict| scene.rows.iter().any(|row| row.verdict == verdict);
    any(Verdict::Differs) || scene.stopped.is_some() || tried && !received && any(Verdict::Skipped)
}

/// Runs one scene and judges it.
fn play(
    scene: Scene,
    session: &Arc<Session>,
    watchdog: &mut Watchdog,
    checks: &mut MachineChecks,
) -> Result<SceneReport, SceneError> {
    let Scene { number, id, title, answer, sentence, claims, run } = scene;
    let all_absent = claims.iter().all(|claim| matches!(claim.expected.on(HERE), Expect::Absent(_)));
    let log = match all_absent {
        true => Arc::default(),
        false => session.begin(number, id, &title),
    };
    let lab = Lab::new(Arc::clone(&claims), Arc::clone(session), Arc::clone(&log));
    let record = lab.record();
    let ended = match all_absent {
        true => Ok(()),
        false => watchdog.run(session, move || run(&lab)),
    };
    if !all_absent {
        session.over(&log);
    }
    let stopped = match &ended {
        Ok(()) | Err(SceneError::Skip(_)) => None,
        Err(error @ (SceneError::Call(_) | SceneError::Hung(_) | SceneError::Endless(_) | SceneError::Panicked(_))) => {
            Some(error.to_string())
        }
        Err(error @ (SceneError::Defect(_) | SceneError::NoLoopback(_))) => return Err(error.clone()),
    };
    let inconclusive = record.inconclusive();
    let closed_ports = LOOPBACKS.map(|loopback| (loopback, record.has_closed_port(loopback)));
    let observations = without_wine(&claims, record.close(ended.as_ref().err())?);
    let needs = || claims.iter().flat_map(|claim| &claim.needs);
    let judged = claims.iter().zip(&observations).map(|(claim, observation)| {
        let row = judge(claim, HERE, observation);
        if row.verdict != Verdict::Differs {
            return row;
        }
        let not_evidence =
            inconclusive.clone().or_else(|| needs().find_map(|need| checks.reason_against(*need, session)));
        let not_evidence = not_evidence.or_else(|| {
            let awaits_error = matches!(claim.expected.on(HERE), Expect::Is(Fact::Error(_)));
            let is_silent = *observation == Observation::Seen(Fact::Nothing);
            let asked = |at: &&(IpAddr, bool)| is_silent && (at.1 || awaits_error && at.0.is_ipv4());
            closed_ports.iter().filter(asked).find_map(|at| checks.icmp_missing(at.0, session))
        });
        not_evidence.map_or(row, |reason| judge(claim, HERE, &Observation::Skipped(reason.into())))
    });
    let rows = judged.collect();
    let (events, notes) = log.take();
    Ok(SceneReport { number, id, title, answer, sentence, rows, events, notes, stopped })
}

/// The addresses of loopback at which a scene may have a port where nobody listens.
const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Why a row is skipped under Wine.
pub const UNLIKE_WINE: &str = "this is Wine, which answers otherwise than Windows here";

/// What Wine is known to answer otherwise than Windows is not taken for Windows's answer.
fn without_wine(claims: &[Claim], observations: Vec<Observation>) -> Vec<Observation> {
    if !kernel::under_wine() {
        return observations;
    }
    let judged = claims.iter().zip(observations).map(|(claim, observation)| match claim.unlike_wine {
        true => Observation::Skipped(UNLIKE_WINE.into()),
        false => observation,
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_queue_that_ran_full_makes_a_difference_no_evidence_and_nothing_else() {
        use crate::vocabulary::{sources, specified};
        let claims = [specified("same", "same", 1, &sources::RFC768), specified("other", "other", 1, &sources::RFC768)];
        let scene = Scene::claims("small", "a small queue", claims).run(|lab| {
            let (server, client) = (lab.bind("server")?, lab.bind("client")?);
            for _ in 0..5000 {
                client.send_to(b"hello", &server)?;
            }
            lab.observe("same", 1);
            lab.observe("other", 2);
            Ok(())
        });
        let report = LESSONS[0].run(vec![scene], None).unwrap();
        let verdicts: Vec<Verdict> = report.rows().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Verdict::Match, Verdict::Skipped]);
        assert!(report.scenes[0].rows[1].reason.as_deref().is_some_and(|reason| reason.contains("ran full")));
    }

    #[test]
    fn after_the_last_lesson_come_all() {
        assert_eq!((LESSONS[0].next(), LESSONS[LESSONS.len() - 1].next()), (LESSONS[1].name, "all"));
    }
}
