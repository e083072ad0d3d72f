//! What a lesson's picture shows, whatever it is drawn with: who sent what to whom, or who was served when.

use std::collections::HashMap;
use std::time::Duration;

use crate::kernel::HERE;
use crate::vocabulary::{
    Action, Event, Moment, Outcome, PEEK, Protocol, Receive, Report, Role, SceneReport, SocketError, Syscall, shortened,
};

/// Longest quotation of a payload in a picture, in characters.
pub const LONGEST_QUOTATION: usize = 16;

/// Most lanes that stand side by side; with more, numbered endpoints share one.
const MOST_LANES: usize = 4;

/// A run of equal steps longer than this is shown by its first and its last.
pub const LONGEST_RUN: usize = 4;

/// Most steps of a ladder; with more, those in the middle are left out.
const MOST_STEPS: usize = 24;

/// From this number of intervals on, those in the middle are left out.
const MOST_BARS: usize = 12;

/// A lesson's picture.
pub enum Picture {
    /// Who sent what to whom: the first scene.
    Ladder(Ladder),
    /// Who was served when: every scene in which work was done.
    Bars(Vec<Bars>),
}

/// Lanes and the steps between them.
pub struct Ladder {
    /// The scene.
    pub title: String,
    /// The endpoints, from left to right.
    pub lanes: Vec<String>,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

/// One row of a ladder.
pub struct Step {
    /// When the call returned.
    pub at: Duration,
    /// The lane of the endpoint that made the call.
    pub lane: usize,
    /// What happened.
    pub what: What,
}

/// What happened in a step.
#[derive(PartialEq, Eq, Clone)]
pub enum What {
    /// A datagram, or bytes of a stream, left for another lane.
    Sent {
        /// The lane it is for.
        to: usize,
        /// The payload.
        text: String,
        /// Whether no receive ever brought it.
        lost: bool,
    },
    /// Something happened at the endpoint itself.
    Mark {
        /// What.
        text: String,
        /// Whether it is bad news: bytes cut, a call refused.
        bad: bool,
    },
    /// So many equal steps are left out here.
    More(usize),
}

/// Handling intervals on one time axis.
pub struct Bars {
    /// The scene.
    pub title: String,
    /// The intervals in the order in which they began; `None` where some are left out.
    pub bars: Vec<Option<Bar>>,
    /// How many are left out.
    pub left_out: usize,
}

/// One request in hand.
#[derive(Clone)]
pub struct Bar {
    /// Who asked.
    pub client: String,
    /// From the start of the loop to the receive.
    pub began: Duration,
    /// From the start of the loop to the answer.
    pub ended: Duration,
}

impl Picture {
    /// The picture of a lesson that has run; a lesson whose first scene was skipped has none.
    pub fn of(report: &Report) -> Option<Picture> {
        let bars: Vec<Bars> = report.scenes.iter().filter_map(Bars::of).collect();
        if !bars.is_empty() {
            return Some(Picture::Bars(bars));
        }
        let ladder = Ladder::of(report.scenes.first()?);
        (!ladder.steps.is_empty()).then_some(Picture::Ladder(ladder))
    }
}

/// A time as pictures show it.
pub(super) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    let decimals = if milliseconds < 10.0 { 3 } else { 1 };
    format!("{milliseconds:.decimals$}")
}

/// The end of the common time axis, in seconds; never zero.
pub(super) fn last_end(scenes: &[Bars]) -> f64 {
    let bars = scenes.iter().flat_map(|scene| scene.bars.iter().flatten());
    bars.map(|bar| bar.ended).max().unwrap_or_default().as_secs_f64().max(f64::MIN_POSITIVE)
}

impl Bars {
    /// What the picture shows.
    pub(super) fn caption(&self) -> String {
        format!("{}, ms since the loop began", self.title)
    }

    /// The same in words: who was served when.
    pub(super) fn in_words(&self) -> impl Iterator<Item = String> {
        self.bars.iter().map(|bar| match bar {
            Some(bar) => format!("{}, {} to {}", bar.client, milliseconds(bar.began), milliseconds(bar.ended)),
            None => format!("{} more", self.left_out),
        })
    }

    /// The spans of a scene's requests, where there are any that one can see.
    fn of(scene: &SceneReport) -> Option<Bars> {
        let moments = || {
            scene.events.iter().filter_map(|event| match event.action {
                Action::Moment(moment) => Some((moment, event)),
                Action::Call(..) => None,
            })
        };
        let started = moments().find(|(moment, _)| *moment == Moment::LoopStarts)?.1.returned;
        let mut open: HashMap<&str, usize> = HashMap::new();
        let mut bars: Vec<Bar> = Vec::new();
        for (moment, event) in moments() {
            let Some(client) = event.peer.as_ref().map(|peer| peer.name.as_str()) else { continue };
            let at = event.returned.saturating_sub(started);
            match moment {
                Moment::RequestBegins => {
                    open.insert(client, bars.len());
                    bars.push(Bar { client: client.to_owned(), began: at, ended: at });
                }
                Moment::RequestEnds => {
                    if let Some(bar) = open.get(client).and_then(|place| bars.get_mut(*place)) {
                        bar.ended = at;
                    }
                }
                Moment::LoopStarts => {}
            }
        }
        // Half of them: a busy machine stretches one or the other in which no work was done.
        let visible = |bar: &&Bar| bar.ended.saturating_sub(bar.began) >= Duration::from_millis(1);
        if bars.iter().filter(visible).count() * 2 < bars.len().max(1) {
            return None;
        }
        let left_out = if bars.len() > MOST_BARS { bars.len() - (MOST_BARS - 2) } else { 0 };
        let bars = match left_out {
            0 => bars.into_iter().map(Some).collect(),
            _ => {
                let head = bars[..MOST_BARS - 4].iter().cloned().map(Some);
                let tail = bars[bars.len() - 2..].iter().cloned().map(Some);
                head.chain([None]).chain(tail).collect()
            }
        };
        Some(Bars { title: scene.title.clone(), bars, left_out })
    }
}

/// `client 7` belongs to `client`s.
pub fn family(name: &str) -> Option<&str> {
    let (family, number) = name.rsplit_once(' ')?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(family)
}

/// The endpoints of a scene, as they become known.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn note(&mut self, name: &str) {
        if !self.0.iter().any(|known| known == name) {
            self.0.push(name.to_owned());
        }
    }

    fn of_event(&mut self, event: &Event) {
        self.note(&event.who);
        event.peer.iter().for_each(|peer| self.note(&peer.name));
    }

    fn lane_name(&self, name: &str) -> String {
        match family(name) {
            Some(family) if self.0.len() > MOST_LANES => format!("{family}s"),
            _ => name.to_owned(),
        }
    }

    fn lanes(&self) -> Vec<String> {
        let mut names: Vec<&String> = self.0.iter().collect();
        // The asking side reads better on the left.
        names.sort_by_key(|name| name.contains("server") || *name == "nobody");
        let mut lanes: Vec<String> = Vec::new();
        for name in names {
            let lane = self.lane_name(name);
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        lanes
    }

    /// The ladder of `events`, each with what arrived.
    fn ladder(&self, title: &str, events: &[(&Event, Arrived)], mixed: bool) -> Ladder {
        let lanes = self.lanes();
        let lane_of = |name: &str| lanes.iter().position(|lane| *lane == self.lane_name(name));
        let steps = events.iter().filter_map(|&(event, arrived)| {
            let lane = lane_of(&event.who)?;
            Some(Step { at: event.returned, lane, what: what(event, arrived, mixed, lane_of)? })
        });
        let steps = summarised(steps.collect());
        Ladder { title: title.to_owned(), lanes, steps }
    }
}

impl Ladder {
    /// The same in words: a sentence for each step.
    pub(super) fn in_words(&self) -> impl Iterator<Item = String> {
        self.steps.iter().map(|Step { at, lane, what }| {
            let (time, who) = (milliseconds(*at), &self.lanes[*lane]);
            match what {
                What::Sent { to, text, lost } => {
                    let lost = if *lost { ", lost" } else { "" };
                    format!("{time} ms, {who} sends {text} to {}{lost}", self.lanes[*to])
                }
                What::Mark { text, .. } => format!("{time} ms, {who}: {text}"),
                What::More(count) => format!("{who}: {count} more"),
            }
        })
    }

    fn of(scene: &SceneReport) -> Ladder {
        let events: Vec<&Event> = scene.events.iter().collect();
        let mut names = Names::default();
        events.iter().for_each(|event| names.of_event(event));
        let mut arrived = Vec::new();
        arrivals(&events, &mut arrived);
        let events_seen: Vec<_> = events.iter().copied().zip(arrived).collect();
        names.ladder(&scene.title, &events_seen, is_mixed(&events))
    }
}

/// Whether both protocols are in it.
fn is_mixed(events: &[&Event]) -> bool {
    let has = |protocol| events.iter().any(|event| event.protocol == protocol);
    has(Protocol::Tcp) && has(Protocol::Udp)
}

/// A scene's ladder while the scene goes on.
#[derive(Default)]
pub struct Growing {
    names: Names,
    arrived: Vec<Arrived>,
}

impl Growing {
    /// An endpoint of this name is there, and has done nothing yet.
    pub fn opened(&mut self, name: &str) {
        self.names.note(name);
    }

    /// What the calls from `first` on add to the ladder of `made`. That a datagram is lost is not known yet.
    pub fn ladder(&mut self, made: &[Event], first: usize) -> Ladder {
        let events: Vec<&Event> = made.iter().collect();
        let first = first.min(events.len());
        events[first..].iter().for_each(|event| self.names.of_event(event));
        arrivals(&events, &mut self.arrived);
        let new = events[first..].iter().zip(&self.arrived[first..]).map(|(&event, arrived)| match arrived {
            Arrived::No => (event, Arrived::Whole),
            known => (event, *known),
        });
        self.names.ladder("", &new.collect::<Vec<_>>(), is_mixed(&events))
    }
}

/// How much of what it was sent for each event: of a send whether it arrived, of a receive how many bytes were cut.
#[derive(Clone, Copy)]
enum Arrived {
    No,
    Whole,
    Cut(usize),
}

/// Adds the events that `arrived` does not know yet.
fn arrivals(events: &[&Event], arrived: &mut Vec<Arrived>) {
    let known = arrived.len();
    arrived.resize(events.len(), Arrived::No);
    for (index, event) in events.iter().enumerate().skip(known) {
        let Some((Syscall::Receive(receive), outcome)) = event.call() else { continue };
        if event.protocol == Protocol::Tcp || receive.flags.contains(PEEK) {
            continue;
        }
        let bytes = event.payload().unwrap_or_default();
        // Windows fills the buffer, takes the datagram out of the queue and says no more than that it was too long.
        let too_long = matches!(outcome, Outcome::Failed { error, .. } if error.is(SocketError::MessageTooLong, HERE));
        let from = event.peer.as_ref().map(|peer| peer.name.as_str());
        let sent = events[..index].iter().zip(arrived.iter()).position(|(send, arrived)| {
            matches!(arrived, Arrived::No)
                && send.protocol == Protocol::Udp
                && send.call().and_then(|(call, _)| call.payload()).is_some_and(|payload| payload.starts_with(bytes))
                && (too_long || Some(send.who.as_str()) == from)
                && send.peer.as_ref().is_some_and(|peer| peer.name == event.who)
        });
        if let Some(sent) = sent {
            arrived[sent] = Arrived::Whole;
            let (sent, received) = (events[sent].payload_length(), event.payload_length());
            arrived[index] = if sent > received { Arrived::Cut(sent - received) } else { Arrived::Whole };
        }
    }
}

/// What happened in `event`; where both protocols are `mixed`, TCP's part is named.
fn what(event: &Event, arrived: Arrived, mixed: bool, lane_of: impl Fn(&str) -> Option<usize>) -> Option<What> {
    let (call, outcome) = event.call()?;
    let mark = |text: String| Some(What::Mark { text, bad: false });
    let bad = |text: String| Some(What::Mark { text, bad: true });
    if event.role == Role::EndMarker {
        return mark(if call.payload().is_some() { "sends an end marker" } else { "gets the end marker" }.to_owned());
    }
    let payload = event.payload().map(|bytes| shortened(bytes, LONGEST_QUOTATION)).unwrap_or_default();
    let tcp = event.protocol == Protocol::Tcp;
    let payload = if tcp && mixed { format!("TCP {payload}") } else { payload };
    if let Outcome::Failed { error, .. } = outcome {
        return match (call, arrived) {
            (Syscall::Receive(_), Arrived::Cut(bytes)) => bad(format!("{}: {payload}, {bytes} cut", error.name)),
            (Syscall::Receive(_), Arrived::No | Arrived::Whole) => bad(error.name.clone()),
            _ => bad(format!("{}: {}", call.name(), error.name)),
        };
    }
    match call {
        Syscall::Bind(_) => None,
        Syscall::Send { .. } => {
            let to = lane_of(&event.peer.as_ref()?.name)?;
            let lost = !tcp && matches!(arrived, Arrived::No);
            Some(What::Sent { to, text: payload, lost })
        }
        Syscall::Receive(receive) => received(receive, outcome, arrived, tcp, &payload),
        Syscall::SetOption { option, value } => mark(format!("sets {} to {value}", option.name)),
        Syscall::GetOption(option) => match outcome {
            Outcome::Value(value) => mark(format!("{} is {value}", option.name)),
            _ => mark(format!("reads {}", option.name)),
        },
        Syscall::Connect(_) | Syscall::Listen(_) | Syscall::Accept | Syscall::Shutdown | Syscall::Close => {
            mark(call.name().to_owned())
        }
    }
}

/// What a receive brought that did not fail.
fn received(receive: &Receive, outcome: &Outcome, arrived: Arrived, tcp: bool, payload: &str) -> Option<What> {
    let text = match (outcome, arrived) {
        (Outcome::Nothing, _) => "gets nothing".to_owned(),
        (Outcome::Received(_), _) if receive.flags.contains(PEEK) => format!("peeks {payload}"),
        (Outcome::Received(received), _) if tcp && received.bytes.is_empty() => "end of file".to_owned(),
        (_, Arrived::Cut(bytes)) => {
            return Some(What::Mark { text: format!("gets {payload}, {bytes} cut"), bad: true });
        }
        (_, Arrived::No | Arrived::Whole) => format!("gets {payload}"),
    };
    Some(What::Mark { text, bad: false })
}

/// Shows long runs of steps of one kind, in one lane, by their first and last.
fn summarised(steps: Vec<Step>) -> Vec<Step> {
    let kind = |step: &Step| match &step.what {
        What::Sent { to, lost, .. } => (step.lane, Some((*to, *lost)), false),
        What::Mark { text, bad } => (step.lane, None, *bad || !text.starts_with("gets \"")),
        What::More(_) => (step.lane, None, true),
    };
    let mut kept: Vec<Step> = Vec::new();
    let mut rest = steps.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut run = vec![first];
        while let Some(next) = rest.next_if(|next| kind(next) == kind(&run[0])) {
            run.push(next);
        }
        if run.len() > LONGEST_RUN {
            let (at, lane, left_out) = (run[1].at, run[1].lane, run.len() - 2);
            run.splice(1..=left_out, [Step { at, lane, what: What::More(left_out) }]);
        }
        kept.append(&mut run);
    }
    if kept.len() > MOST_STEPS {
        let left_out = kept.len() - (MOST_STEPS - 1);
        let place = MOST_STEPS * 2 / 3;
        let (at, lane) = (kept[place].at, kept[place].lane);
        kept.splice(place..place + left_out, [Step { at, lane, what: What::More(left_out) }]);
    }
    kept
}
