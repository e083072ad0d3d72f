//! What a lesson's picture shows, whatever it is drawn with: who sent what to whom, or who was served when.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use super::Detail;
use super::arrivals::{Arrivals, Arrived, was_sent};
pub use super::fold::{LONGEST_RUN, LeftOut};
use super::fold::{folded, shortened};
pub use super::label::{LONGEST_QUOTATION, Label, Special};
use crate::vocabulary::{Action, Event, Moment, Os, Outcome, PEEK, Protocol, Role, SceneReport, Syscall};

/// Most lanes that stand side by side; with more, numbered endpoints share one.
const MOST_LANES: usize = 4;

/// From this number of intervals on, those in the middle are left out.
const MOST_BARS: usize = 12;

/// A lesson's picture.
pub enum Picture {
    /// Who sent what to whom.
    Ladder(Ladder),
    /// Who was served when.
    Bars(Vec<Bars>),
}

/// How much of a scene a ladder shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every call, with the end markers.
    Whole,
    /// The calls of the lesson.
    Lesson,
    /// Of those, what moves data or fails; of UDP alone, where both protocols are in the scene.
    Brief(Brevity),
}

/// How brief a brief ladder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brevity {
    /// Also with the calls that set a peer.
    Peers,
    /// What moves data, what fails, and options.
    Moves,
    /// What was sent, and what failed or is incomplete: that a datagram arrived, its arrow says.
    Arrows,
}

/// Most steps of a ladder with its answer below it, on one screen.
pub(super) const MOST_ON_A_SCREEN: usize = 11;

/// Lanes and the steps between them.
pub struct Ladder {
    /// The scene.
    pub title: String,
    /// The endpoints, from left to right.
    pub lanes: Vec<String>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// What somebody in the middle sent on stands in the row in which it came, where rows are few.
    pub joined: bool,
}

/// One row of a ladder.
#[derive(Clone, Debug)]
pub struct Step {
    /// When the call returned.
    pub at: Duration,
    /// The lane of the endpoint that made the call.
    pub lane: usize,
    /// What happened.
    pub what: What,
}

/// What happened in a step.
#[derive(PartialEq, Eq, Clone, Debug)]
pub enum What {
    /// A datagram, or bytes of a stream, left for another lane.
    Sent {
        /// The lane it is for, never the sender's own.
        to: usize,
        /// The call and the payload.
        label: Label,
        /// Whether it arrived.
        fate: Fate,
    },
    /// Something happened at the endpoint itself.
    Mark {
        /// What.
        label: Label,
        /// What is special about it.
        special: Option<Special>,
    },
    /// Steps are left out here.
    More(LeftOut),
}

/// What is known of something that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// A receive brought it, or it is part of a stream.
    Arrived,
    /// No receive has brought it, and the scene is not over.
    Unknown,
    /// No receive of the scene brought it.
    Lost,
}

impl Fate {
    /// The same in words, behind what was sent.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Fate::Arrived => "",
            Fate::Unknown => ", not known yet whether it arrives",
            Fate::Lost => ", lost",
        }
    }
}

impl Step {
    /// What is special about it.
    pub(super) fn special(&self) -> Option<Special> {
        match &self.what {
            What::Sent { fate, .. } => (*fate == Fate::Lost).then_some(Special::Lost),
            What::Mark { special, .. } => *special,
            What::More(left_out) => left_out.special(),
        }
    }

    /// Whether `next` sends on, in the same direction, where this ends.
    fn is_sent_on_by(&self, next: &Step) -> bool {
        match (&self.what, &next.what) {
            (What::Sent { to, fate: Fate::Arrived, .. }, What::Sent { to: end, .. }) => {
                *to == next.lane && (*to > self.lane) == (*end > *to)
            }
            _ => false,
        }
    }

    /// Whether both are calls of one kind in one lane, with the same result.
    pub(super) fn is_like(&self, other: &Step) -> bool {
        let alike = match (&self.what, &other.what) {
            (What::Sent { to, label, fate }, What::Sent { to: other_to, label: other, fate: other_fate }) => {
                (to, fate) == (other_to, other_fate) && label.is_like(other)
            }
            (What::Mark { label, .. }, What::Mark { label: other, .. }) => label.is_like(other),
            _ => false,
        };
        alike && self.lane == other.lane && self.special() == other.special()
    }
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

/// One request in progress.
#[derive(Clone)]
pub struct Bar {
    /// Who asked.
    pub client: String,
    /// From the start of the loop to the receive.
    pub began: Duration,
    /// From the start of the loop to the answer.
    pub ended: Duration,
}

impl Extent {
    /// What stands beside all rows of a scene.
    pub(super) fn of(detail: Detail) -> Self {
        match detail {
            Detail::Answer | Detail::Scenes => Extent::Lesson,
            Detail::Full => Extent::Whole,
        }
    }
}

impl Picture {
    /// The picture of one scene: its bars, where there are any that one can see, else its ladder.
    pub fn of_scene(scene: &SceneReport, extent: Extent) -> Option<Picture> {
        match Bars::of(scene) {
            Some(bars) => Some(Picture::Bars(vec![bars])),
            None => Picture::ladder(scene, extent),
        }
    }

    /// The brief picture of one scene, in no more than so many lines below its header, if that can be: rather with less
    /// of everything than with something that was sent left out. It has `least` lines even where there is no room for
    /// them.
    pub(super) fn brief(scene: &SceneReport, lines: usize, least: usize) -> Option<Picture> {
        let of = |brevity| Picture::of_scene(scene, Extent::Brief(brevity));
        let leaves_out = |picture: &Picture, what: fn(LeftOut) -> bool| match picture {
            Picture::Ladder(Ladder { steps, .. }) => {
                steps.len() > lines || steps.iter().any(|step| matches!(step.what, What::More(more) if what(more)))
            }
            Picture::Bars(scenes) => scenes.iter().any(|scene| scene.bars.len() > lines),
        };
        let is_whole = |picture: &Picture| !leaves_out(picture, LeftOut::is_mixed);
        let is_whole_but_for_receives = |picture: &Picture| !leaves_out(picture, LeftOut::has_more_than_receives);
        let with_peers = of(Brevity::Peers);
        if with_peers.as_ref().is_some_and(is_whole) {
            return with_peers;
        }
        let moves = of(Brevity::Moves);
        if moves.as_ref().is_some_and(is_whole) {
            return moves;
        }
        let moves = moves.map(|picture| picture.shortened(lines));
        if moves.as_ref().is_some_and(is_whole_but_for_receives) {
            return moves;
        }
        Some(match of(Brevity::Arrows)? {
            Picture::Ladder(ladder) if ladder.fits_joined(lines) => Picture::Ladder(Ladder { joined: true, ..ladder }),
            picture => picture.shortened(lines.max(least)),
        })
    }

    /// The same in no more than so many lines below its header, if that can be.
    fn shortened(self, lines: usize) -> Picture {
        match self {
            Picture::Ladder(ladder) => {
                let steps = shortened(ladder.steps, lines);
                Picture::Ladder(Ladder { steps, ..ladder })
            }
            Picture::Bars(scenes) => Picture::Bars(scenes.into_iter().map(|scene| scene.shortened(lines)).collect()),
        }
    }

    fn ladder(scene: &SceneReport, extent: Extent) -> Option<Picture> {
        Ladder::of(scene, extent).map(Picture::Ladder)
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
    /// The same with no more than so many lines, three at least: the first bars and the last.
    fn shortened(self, lines: usize) -> Bars {
        let lines = lines.max(3);
        if self.bars.len() <= lines || self.left_out > 0 {
            return self;
        }
        let (first, last) = (lines / 2, lines - 1 - lines / 2);
        let left_out = self.bars.len() - first - last;
        let (before, after) = (&self.bars[..first], &self.bars[first + left_out..]);
        Bars { bars: [before, &[None], after].concat(), left_out, ..self }
    }

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
struct Names {
    os: Os,
    known: Vec<String>,
}

impl Names {
    fn new(os: Os) -> Self {
        Names { os, known: Vec::new() }
    }

    fn note(&mut self, name: &str) {
        if !self.known.iter().any(|known| known == name) {
            self.known.push(name.to_owned());
        }
    }

    fn of_event(&mut self, event: &Event) {
        self.note(&event.who);
        // Who was received from has done something by itself; and where sockets share a port, its name says them all.
        if !matches!(event.call(), Some((Syscall::Receive(_), _))) {
            event.peer.iter().for_each(|peer| self.note(&peer.name));
        }
    }

    /// The families that stand in one lane each: the largest first, and no more of them than it takes.
    fn crowds(&self) -> Vec<&str> {
        let mut sizes: Vec<(&str, usize)> = Vec::new();
        for family in self.known.iter().filter_map(|name| family(name)) {
            match sizes.iter_mut().find(|(known, _)| *known == family) {
                Some((_, size)) => *size += 1,
                None => sizes.push((family, 1)),
            }
        }
        sizes.sort_by_key(|(_, size)| Reverse(*size));
        let mut lanes = self.known.len();
        let crowds = sizes.into_iter().take_while(|(_, size)| {
            let too_many = lanes > MOST_LANES;
            lanes -= size - 1;
            too_many
        });
        crowds.map(|(family, _)| family).collect()
    }

    fn lanes(&self) -> Vec<String> {
        let crowds = self.crowds();
        let mut names: Vec<&String> = self.known.iter().collect();
        // The asking side reads better on the left. An observer is no server.
        names.sort_by_key(|name| name.split(' ').any(|word| word == "server") || *name == "nobody");
        let mut lanes: Vec<String> = Vec::new();
        for name in names {
            let lane = lane_name(name, &crowds);
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        lanes
    }

    /// The steps of `events`; `names_tcp` has the calls of TCP say so.
    fn steps(&self, events: &[Seen], names_tcp: bool, extent: Extent) -> Vec<Step> {
        let (lanes, crowds) = (self.lanes(), self.crowds());
        let lane_of = |name: &str| lanes.iter().position(|lane| *lane == lane_name(name, &crowds));
        let steps = events.iter().filter_map(|seen| {
            let lane = lane_of(&seen.event.who)?;
            Some(Step { at: seen.event.returned, lane, what: what(seen, names_tcp, self.os, lane_of)? })
        });
        folded(steps.collect(), extent)
    }
}

/// The lane of the endpoint `name`, where these families stand in one lane each.
fn lane_name(name: &str, crowds: &[&str]) -> String {
    match family(name) {
        Some(family) if crowds.contains(&family) => format!("{family}s"),
        _ => name.to_owned(),
    }
}

impl Ladder {
    /// The steps of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Step]> {
        self.rows_as(self.joined)
    }

    fn rows_as(&self, joined: bool) -> impl Iterator<Item = &[Step]> {
        self.steps.chunk_by(move |step, next| joined && step.is_sent_on_by(next))
    }

    /// Whether all of it is shown in so many lines, where what is sent on stands in the row in which it came.
    fn fits_joined(&self, lines: usize) -> bool {
        let is_whole = |step: &Step| !matches!(step.what, What::More(left_out) if left_out.is_mixed());
        self.steps.iter().all(is_whole) && self.rows_as(true).count() <= lines
    }

    /// The same in words: a sentence for each step.
    pub(super) fn in_words(&self) -> impl Iterator<Item = String> {
        self.steps.iter().map(|Step { at, lane, what }| {
            let (time, who) = (milliseconds(*at), &self.lanes[*lane]);
            match what {
                What::Sent { to, label, fate } => {
                    format!("{time} ms, {who}: {label} to {}{}", self.lanes[*to], fate.in_words())
                }
                What::Mark { label, .. } => format!("{time} ms, {who}: {label}"),
                What::More(left_out) => format!("{who}: {left_out}"),
            }
        })
    }

    /// The calls of the lesson among all those of a scene that is over, on this system.
    pub fn of_lesson(events: &[Event], os: Os) -> Ladder {
        Ladder::of_calls("", events, os, Extent::Lesson, Arrived::No)
    }

    /// What a scene sends over UDP before its first receive, where it sends anything: what will arrive is not known
    /// yet.
    pub(super) fn before_the_first_receive(scene: &SceneReport) -> Option<Ladder> {
        let receives = |event: &&Event| matches!(event.call(), Some((Syscall::Receive(_), _)));
        let events = scene.events.iter().filter(|event| event.protocol == Protocol::Udp);
        let opening: Vec<Event> = events.take_while(|event| !receives(event)).cloned().collect();
        let ladder =
            Ladder::of_calls("what is sent", &opening, scene.os, Extent::Brief(Brevity::Moves), Arrived::NotYet);
        ladder.steps.iter().any(|step| matches!(step.what, What::Sent { .. })).then_some(ladder)
    }

    /// Who sent what to whom in a scene that is over; nothing, where nobody called anything.
    pub(super) fn of(scene: &SceneReport, extent: Extent) -> Option<Ladder> {
        let ladder = Ladder::of_calls(&scene.title, &scene.events, scene.os, extent, Arrived::No);
        (!ladder.steps.is_empty()).then_some(ladder)
    }

    /// The ladder of `events`; `missing` is what became of what no receive among them brought.
    fn of_calls(title: &str, events: &[Event], os: Os, extent: Extent, missing: Arrived) -> Ladder {
        let mixed = is_mixed(&events.iter().collect::<Vec<_>>());
        let shown = |event: &&Event| match extent {
            Extent::Whole => true,
            Extent::Lesson => event.role == Role::Lesson,
            Extent::Brief(brevity) => {
                let is_left_out = (mixed && event.protocol == Protocol::Tcp) || prepares(event, brevity);
                event.role == Role::Lesson && !is_left_out
            }
        };
        let events: Vec<&Event> = events.iter().filter(shown).collect();
        let mut names = Names::new(os);
        events.iter().for_each(|event| names.of_event(event));
        let mut seen = seen(&events, &Arrivals::of(&events, os), missing);
        if extent == Extent::Brief(Brevity::Arrows) {
            seen.retain(|seen| !seen.adds_nothing());
        }
        let steps = names.steps(&seen, is_mixed(&events), extent);
        let all_tcp = events.iter().all(|event| event.protocol == Protocol::Tcp);
        let named = |lane: String| if all_tcp { format!("TCP {lane}") } else { lane };
        let lanes = names.lanes().into_iter().map(named).collect();
        Ladder { title: title.to_owned(), lanes, steps, joined: false }
    }
}

/// Whether a call only prepares what the scene shows: it moves nothing, and succeeded.
fn prepares(event: &Event, brevity: Brevity) -> bool {
    let Some((call, outcome)) = event.call() else { return false };
    let is_one = match call {
        Syscall::Connect(_) => event.protocol == Protocol::Tcp || brevity != Brevity::Peers,
        Syscall::SetOption { .. } => brevity == Brevity::Arrows,
        _ => matches!(call, Syscall::GetOption(_) | Syscall::SocketName | Syscall::Listen(_) | Syscall::Accept),
    };
    is_one && !matches!(outcome, Outcome::Failed { .. })
}

/// Whether both protocols are in it.
fn is_mixed(events: &[&Event]) -> bool {
    let has = |protocol| events.iter().any(|event| event.protocol == protocol);
    has(Protocol::Tcp) && has(Protocol::Udp)
}

/// A scene's ladder while the scene goes on.
pub struct Growing {
    names: Names,
    arrivals: Arrivals,
}

impl Growing {
    /// Of a scene on this system that begins.
    pub fn new(os: Os) -> Self {
        Growing { names: Names::new(os), arrivals: Arrivals::default() }
    }

    /// An endpoint of this name is there, and has done nothing yet.
    pub fn opened(&mut self, name: &str) {
        self.names.note(name);
    }

    /// What the calls from `first` on add to the ladder of `made`. Whether a datagram is lost is not known yet.
    pub fn ladder(&mut self, made: &[Event], first: usize) -> Ladder {
        let events: Vec<&Event> = made.iter().collect();
        let first = first.min(events.len());
        events[first..].iter().for_each(|event| self.names.of_event(event));
        self.arrivals.learn(&events, self.names.os);
        let seen = seen(&events, self.arrivals.of_events(), Arrived::NotYet);
        // Whether UDP will be in the scene is not known yet either.
        let steps = self.names.steps(&seen[first..], true, Extent::Whole);
        Ladder { title: String::new(), lanes: self.names.lanes(), steps, joined: false }
    }

    /// The datagrams of the lesson among `made` that no receive has brought, now that the scene is over.
    pub fn lost<'e>(&mut self, made: &'e [Event]) -> Vec<&'e Event> {
        let events: Vec<&Event> = made.iter().collect();
        self.arrivals.learn(&events, self.names.os);
        let lost = events.into_iter().zip(self.arrivals.of_events()).filter(|(event, arrived)| {
            event.role == Role::Lesson && was_sent(event).is_some() && fate(event, **arrived) == Fate::Lost
        });
        lost.map(|(event, _)| event).collect()
    }
}

/// An event, and what became of its datagram.
struct Seen<'e> {
    event: &'e Event,
    arrived: Arrived,
    /// Who received what was sent: another one than it was meant for, where sockets share a port.
    receiver: Option<&'e str>,
}

impl Seen<'_> {
    /// Whether it is a receive that shows no more than the arrows do: all of a datagram, or none.
    fn adds_nothing(&self) -> bool {
        match self.event.call() {
            Some((Syscall::Receive(receive), Outcome::Received(_))) => {
                matches!(self.arrived, Arrived::Complete) && !receive.flags.contains(PEEK)
            }
            Some((Syscall::Receive(_), Outcome::Nothing)) => true,
            _ => false,
        }
    }
}

/// The events with what became of each; `missing` where nothing is known of that.
fn seen<'e>(events: &[&'e Event], arrived: &[Arrived], missing: Arrived) -> Vec<Seen<'e>> {
    let seen = events.iter().zip(arrived).map(|(&event, &arrived)| {
        let receiver = match arrived {
            Arrived::By(place) => Some(events[place].who.as_str()),
            _ => None,
        };
        Seen { event, arrived: arrived.or(missing), receiver }
    });
    seen.collect()
}

/// What is known of what `event` sent.
fn fate(event: &Event, arrived: Arrived) -> Fate {
    match arrived {
        _ if event.protocol == Protocol::Tcp => Fate::Arrived,
        Arrived::No => Fate::Lost,
        Arrived::NotYet => Fate::Unknown,
        Arrived::By(_) | Arrived::Complete | Arrived::Truncated { .. } => Fate::Arrived,
    }
}

/// What happened in `event`: an arrow for what left for another endpoint, and a mark for all else.
fn what(seen: &Seen, names_tcp: bool, os: Os, lane_of: impl Fn(&str) -> Option<usize>) -> Option<What> {
    let &Seen { event, arrived, receiver } = seen;
    let (label, special) = Label::of(event, arrived, names_tcp, os)?;
    match event.call()? {
        (Syscall::Bind(_), Outcome::Done) => None,
        (Syscall::Send { .. }, Outcome::Sent(_)) if event.role == Role::Lesson => {
            let peer = receiver.or_else(|| Some(event.peer.as_ref()?.name.as_str()))?;
            let to = lane_of(peer)?;
            let fate = fate(event, arrived);
            let lost = fate == Fate::Lost;
            Some(match lane_of(&event.who) == Some(to) {
                true => What::Mark { label: label.within_a_lane(peer, lost), special: lost.then_some(Special::Lost) },
                false => What::Sent { to, label, fate },
            })
        }
        _ => Some(What::Mark { label, special }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_stand_on_the_right_and_whose_name_sounds_like_theirs_does_not() {
        let lanes = |names: &[&str]| {
            let mut known = Names::new(Os::Linux);
            names.iter().for_each(|name| known.note(name));
            known.lanes()
        };
        assert_eq!(lanes(&["server", "observer"]), ["observer", "server"]);
        assert_eq!(lanes(&["server", "client"]), ["client", "server"]);
        assert_eq!(lanes(&["local server", "nobody", "client"]), ["client", "local server", "nobody"]);
        assert_eq!(lanes(&["server 1", "server 2", "client"]), ["client", "server 1", "server 2"]);
    }
}
