//! A run that stops before each call of the scene that answers the question: what is about to happen, Enter, what
//! happened. Every other scene is one step; so the run of a lesson takes no more Enters than a class has patience for.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kernel::{self, HERE};
use crate::lab::{Log, Observer};
use crate::render::picture::{Growing, LONGEST_QUOTATION, LONGEST_RUN, Ladder};
use crate::render::rounds::{Kind, LONGEST_ROUND, round_of};
use crate::render::{BOLD, RenderOptions, each_once, ladder, table};
use crate::vocabulary::{
    Announcement, Event, Os, Outcome, POLLIN, Protocol, Receive, ReceiveForm, Role, SendForm, Syscall, os_message,
    shortened,
};

const KEYS: &str = "Enter: next call. n, Enter: next scene. a, Enter: all the rest. ?, Enter: help.";

const IN_ONE_GO: &str = "The scene that answers the question goes call by call, each other one in one go.";

const OPEN_ARROW: &str = "Where an arrow ends in ?, it is not known yet whether the datagram arrives.";

const HELP: [(&str, &str); 6] = [
    ("Enter", "makes the call that is announced, and stops before the next one; or plays the scene that is announced"),
    ("n, Enter", "goes on to the next scene"),
    ("a, Enter", END),
    ("?, Enter", "shows this again"),
    (
        "an arrow ending in ?",
        "it is not known yet whether it arrives; a later row shows that it was received, or the end of the \
                                 scene says that it is lost",
    ),
    ("--scene N", "goes through scene N call by call, whichever it is"),
];

const END: &str = match HERE {
    Os::Windows => "goes on to the end without a stop; q, or Ctrl-Z, is the same",
    Os::Linux | Os::Macos => "goes on to the end without a stop; q, or Ctrl-D, is the same",
};

const UNSTOPPABLE: &str = "To stop here would change what is shown. This part runs by itself now; then its log is \
                           replayed, call by call.";

const UNREAD: &str = "The input cannot be read, so the rest runs without a stop.";

/// Lost datagrams that are named one by one; of more, their number is said.
const MOST_NAMED: usize = 3;

/// More of a line than any key has, in bytes.
const LONGEST_KEY: usize = 100;

/// What a lesson says and asks while it is run step by step.
pub struct Step {
    options: RenderOptions,
    dialogue: Mutex<Dialogue>,
}

struct Dialogue {
    print: fn(&str) -> io::Result<()>,
    /// What is to be printed next.
    text: String,
    /// Whether the terminal itself ends the line when Enter is pressed.
    echo: bool,
    pace: Pace,
    keys_explained: bool,
    marker_explained: bool,
    /// The scenes that are played: their numbers and ids.
    scenes: Vec<(usize, &'static str)>,
    /// The ids of the scenes that go call by call.
    closely: Vec<&'static str>,
    /// The scene's title, until it is said.
    title: Option<String>,
    /// The calls of the scene so far.
    made: Vec<Event>,
    growing: Growing,
    /// The header under which the last rows were drawn.
    lanes: Vec<String>,
    drawn: usize,
    announced: usize,
    /// The last calls, the latest at the end.
    latest: Vec<Kind>,
    /// The calls made now were announced together.
    together: bool,
    /// Why the input could not be read.
    unread: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    EachCall,
    /// To the end of the scene, which is then drawn.
    WholeScene,
    NextScene,
    End,
}

impl Step {
    /// A conversation through `print` and standard input.
    pub fn new(options: RenderOptions, print: fn(&str) -> io::Result<()>) -> Self {
        let dialogue = Dialogue {
            print,
            text: String::new(),
            echo: io::stdin().is_terminal() && io::stdout().is_terminal(),
            pace: Pace::EachCall,
            keys_explained: false,
            marker_explained: false,
            scenes: Vec::new(),
            closely: Vec::new(),
            title: None,
            made: Vec::new(),
            growing: Growing::new(HERE),
            lanes: Vec::new(),
            drawn: 0,
            announced: 0,
            latest: Vec::new(),
            together: false,
            unread: None,
        };
        Step { options, dialogue: Mutex::new(dialogue) }
    }

    /// Begins the lesson `name`: puts its `question` where it has not been put, and says the first time how to go on.
    /// Scenes with one of the ids `closely` go call by call; `scenes` are all, with their numbers. Whether anything was
    /// said: not after `a`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lesson(
        &self,
        name: &str,
        question: Option<&str>,
        scenes: Vec<(usize, &'static str)>,
        closely: Vec<&'static str>,
    ) -> io::Result<bool> {
        let mut dialogue = self.dialogue();
        if dialogue.pace == Pace::End {
            return Ok(false);
        }
        let others = closely.len() < scenes.len();
        (dialogue.scenes, dialogue.closely) = (scenes, closely);
        if let Some(question) = question {
            dialogue.text += &(table::heading(&format!("{name}: {question}"), self.options) + "\n");
        }
        if !dialogue.keys_explained {
            dialogue.keys_explained = true;
            for line in [KEYS, OPEN_ARROW].into_iter().chain(others.then_some(IN_ONE_GO)) {
                dialogue.text += &(self.options.wrap(line, "") + "\n");
            }
        }
        dialogue.say().map(|()| true)
    }

    /// Why the input could not be read, so that nobody was waited for; its end is no such reason.
    pub fn unread(&self) -> Option<String> {
        self.dialogue().unread.clone()
    }

    fn dialogue(&self) -> MutexGuard<'_, Dialogue> {
        self.dialogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with the dialogue where somebody follows each call.
    fn go_on(&self, more: &dyn Fn(&mut Dialogue, RenderOptions) -> io::Result<()>) {
        let mut dialogue = self.dialogue();
        if dialogue.pace == Pace::EachCall {
            dialogue.listened_to(|dialogue| more(dialogue, self.options));
        }
    }
}

impl Observer for Step {
    fn scene(&self, id: &str, title: &str) {
        let mut dialogue = self.dialogue();
        let number =
            dialogue.scenes.iter().find(|(_, known)| *known == id).map(|(number, _)| format!("Scene {number}, {id}: "));
        dialogue.title = Some(number.unwrap_or_default() + title);
        dialogue.growing = Growing::new(HERE);
        dialogue.lanes.clear();
        dialogue.latest.clear();
        dialogue.made.clear();
        (dialogue.drawn, dialogue.announced, dialogue.together) = (0, 0, false);
        if dialogue.pace == Pace::End {
            return;
        }
        if dialogue.closely.contains(&id) {
            dialogue.pace = Pace::EachCall;
        } else {
            dialogue.pace = Pace::WholeScene;
            dialogue.listened_to(|dialogue| {
                dialogue.add_title(self.options);
                dialogue.ask("the whole scene", self.options)
            });
        }
    }

    fn opened(&self, name: &str) {
        self.dialogue().growing.opened(name);
    }

    fn announced(&self, call: &Announcement<'_>, log: &Log) {
        self.go_on(&|dialogue, options| {
            dialogue.catch_up(log);
            dialogue.replay(options)?;
            dialogue.announce(call, dialogue.made.len(), options)?;
            dialogue.announced = dialogue.made.len() + 1;
            Ok(())
        });
    }

    fn not_announced(&self, log: &Log) {
        self.go_on(&|dialogue, options| {
            dialogue.catch_up(log);
            dialogue.draw(dialogue.made.len(), options);
            dialogue.add_title(options);
            dialogue.text += &(options.wrap(UNSTOPPABLE, "") + "\n");
            dialogue.say()
        });
    }

    fn over(&self, log: &Log) {
        let mut dialogue = self.dialogue();
        dialogue.catch_up(log);
        match dialogue.pace {
            Pace::EachCall => dialogue.listened_to(|dialogue| {
                dialogue.replay(self.options)?;
                if dialogue.pace == Pace::EachCall {
                    dialogue.draw(dialogue.made.len(), self.options);
                    dialogue.add_lost(self.options);
                }
                dialogue.say()
            }),
            Pace::WholeScene => dialogue.listened_to(|dialogue| {
                if self.options.ladder {
                    dialogue.text += &ladder::grow(&Ladder::of_lesson(&dialogue.made, HERE), true, self.options);
                }
                dialogue.say()
            }),
            // What has been begun is shown to its end: no arrow stays open.
            Pace::NextScene if dialogue.drawn > 0 => dialogue.listened_to(|dialogue| {
                dialogue.draw(dialogue.made.len(), self.options);
                dialogue.add_lost(self.options);
                dialogue.say()
            }),
            Pace::NextScene | Pace::End => {}
        }
    }
}

impl Dialogue {
    /// Says something. Who cannot be reached any more is not waited for; the report will meet the same error.
    fn listened_to(&mut self, more: impl FnOnce(&mut Dialogue) -> io::Result<()>) {
        if more(self).is_err() {
            self.pace = Pace::End;
        }
    }

    /// Takes over the calls that have been made since.
    fn catch_up(&mut self, log: &Log) {
        self.made.extend(log.since(self.made.len()));
    }

    /// Announces the calls that were made without.
    fn replay(&mut self, options: RenderOptions) -> io::Result<()> {
        for place in self.announced..self.made.len() {
            let event = self.made[place].clone();
            // A request that is being processed is a moment and no call.
            if self.pace == Pace::EachCall
                && let Some(announcement) = event.announcement()
            {
                self.announce(&announcement, place, options)?;
            }
        }
        Ok(())
    }

    /// Says what is about to happen, after what has happened, and waits.
    fn announce(&mut self, call: &Announcement<'_>, made: usize, options: RenderOptions) -> io::Result<()> {
        if self.pace != Pace::EachCall {
            return Ok(());
        }
        let kind = Kind::of(call);
        let round = round_of(&self.latest, &kind);
        if self.latest.len() > LONGEST_ROUND * LONGEST_RUN {
            self.latest.remove(0);
        }
        self.latest.push(kind);
        if round.is_some() && self.together {
            return Ok(());
        }
        self.together = round.is_some();
        self.draw(made, options);
        self.add_title(options);
        let mut text = sentence(call);
        if call.role == Role::EndMarker && !self.marker_explained {
            self.marker_explained = true;
            text += " (what has not come before it will not come)";
        }
        text += match round {
            None => "",
            Some(1) => ", and all like it that follow",
            Some(_) => ", and all rounds like this that follow",
        };
        self.ask(&text, options)
    }

    fn add_title(&mut self, options: RenderOptions) {
        let Some(title) = self.title.take() else { return };
        let line = if options.ascii { "--" } else { "──" };
        self.text += &format!("\n{}\n", options.wrap(&format!("{line} {title} {line}"), "   "));
    }

    /// Adds what the first `made` calls have done to the ladder.
    fn draw(&mut self, made: usize, options: RenderOptions) {
        // A bind is no row of a ladder, and whoever has pressed Enter for it sees what it did.
        let bound = self.made[self.drawn..made].iter().filter_map(bound_to);
        bound.for_each(|address| self.text += &(options.wrap(&format!("    bound to {address}"), "    ") + "\n"));
        let ladder = self.growing.ladder(&self.made[..made], self.drawn);
        self.drawn = made;
        if !options.ladder || ladder.steps.is_empty() {
            return;
        }
        self.text += &ladder::grow(&ladder, self.lanes != ladder.lanes, options);
        self.lanes = ladder.lanes;
    }

    fn say(&mut self) -> io::Result<()> {
        (self.print)(&std::mem::take(&mut self.text))
    }

    /// Says what no receive has brought, now that the scene is over.
    fn add_lost(&mut self, options: RenderOptions) {
        let lost = self.growing.lost(&self.made);
        for way in each_once(lost.iter().map(|event| way_of(event))) {
            let sentence = sentence_on_loss(way, lost.iter().filter(|event| way_of(event) == way).copied().collect());
            self.text += &(options.wrap(&sentence, "    ") + "\n");
        }
    }

    /// Says what is about to happen, and waits for a key that goes on.
    fn ask(&mut self, what: &str, options: RenderOptions) -> io::Result<()> {
        loop {
            self.text += &format!("{BOLD}{}{BOLD:#}", options.wrap(what, "    "));
            self.text.push(if self.echo { ' ' } else { '\n' });
            self.say()?;
            let read = kernel::next_line(&mut io::stdin().lock(), LONGEST_KEY);
            let Ok(Some(line)) = read else {
                self.pace = Pace::End;
                if self.echo {
                    self.text.push('\n');
                }
                if let Err(error) = read {
                    self.text += &(options.wrap(UNREAD, "") + "\n");
                    self.unread = Some(os_message(&error, HERE));
                }
                return self.say();
            };
            match line.trim_ascii() {
                b"" => return Ok(()),
                b"n" => {
                    self.pace = Pace::NextScene;
                    return Ok(());
                }
                b"a" | b"q" => {
                    self.pace = Pace::End;
                    return Ok(());
                }
                b"?" => self.text += &table::beside(&HELP, options),
                _ => self.text += &(options.wrap(&format!("There is no such key. {KEYS}"), "") + "\n"),
            }
        }
    }
}

/// The address that a bind has given the socket.
fn bound_to(event: &Event) -> Option<SocketAddr> {
    match event.call()? {
        (Syscall::Bind(_), Outcome::Done) => event.local,
        _ => None,
    }
}

/// From whom to whom something was sent.
fn way_of(event: &Event) -> (&str, &str) {
    (&event.who, event.peer.as_ref().map_or("nobody", |peer| &peer.name))
}

/// Says that these datagrams were not received.
fn sentence_on_loss((from, to): (&str, &str), lost: Vec<&Event>) -> String {
    let quoted = |event: &&Event| shortened(event.payload().unwrap_or_default(), LONGEST_QUOTATION);
    let what = match lost.len() {
        0..=MOST_NAMED => lost.iter().map(quoted).collect::<Vec<_>>().join(", "),
        count => format!("{count} datagrams"),
    };
    format!("Lost: {what} from {from} to {to}, not received by the end of the scene.")
}

/// `client: sendto server, 5 bytes "hello"`.
fn sentence(announced: &Announcement<'_>) -> String {
    let bytes = |count: usize| format!("{count} byte{}", if count == 1 { "" } else { "s" });
    let Announcement { who, peer, call, role, .. } = *announced;
    let peer = peer.map_or("nobody", |peer| &peer.name);
    // An end marker is known to the lab; its byte says nothing.
    let payload = |payload: &[u8]| match role {
        Role::EndMarker => format!(", an end marker of {}", bytes(payload.len())),
        Role::Lesson | Role::Lab => format!(", {} {}", bytes(payload.len()), shortened(payload, LONGEST_QUOTATION)),
    };
    let name = call.name();
    let what = match call {
        Syscall::Bind(address) => match address.port() {
            0 => format!("{name} to {}, any port", address.ip()),
            port => format!("{name} to {}, port {port}", address.ip()),
        },
        Syscall::Connect(_) => format!("{name} to {peer}"),
        Syscall::Disconnect => format!("{name} to AF_UNSPEC, which is nobody"),
        Syscall::Send { form, payload: sent } => match form {
            SendForm::Connected | SendForm::Write => format!("{name} to {peer}{}", payload(sent)),
            SendForm::To(_) => format!("{name} {peer}{}", payload(sent)),
            SendForm::Message { parts, .. } => {
                format!("{name} to {peer}{} from {} buffers", payload(sent), parts.len())
            }
            SendForm::MessageFrom { source, .. } => format!("{name} to {peer}{} from {source}", payload(sent)),
            SendForm::Raw { source_port, .. } => {
                format!("{name} {peer}{} behind a UDP header from port {source_port}", payload(sent))
            }
        },
        Syscall::Receive(receive) => format!("{name}{}", room(receive)),
        Syscall::SetOption { option, value } => format!("{name} {} to {}", option.name, option.form.shown(*value)),
        Syscall::GetOption(option) => format!("{name} {}", option.name),
        Syscall::Shutdown(direction) => format!("{name} {}", direction.name()),
        Syscall::SetNonBlocking(on) => format!("{name} O_NONBLOCK to {}", i32::from(*on)),
        Syscall::Poll(POLLIN) => format!("{name}, readable?"),
        Syscall::Poll(events) => format!("{name} for {events}"),
        Syscall::QueuedBytes => format!("{name} FIONREAD"),
        Syscall::UnsentBytes => format!("{name} SIOCOUTQ"),
        Syscall::Signal { .. } => format!("{name} SIGURG, for the thread that receives"),
        Syscall::EpollAdd { trigger, .. } => format!("{name} EPOLL_CTL_ADD, {}", trigger.events()),
        Syscall::EpollWait { .. } => format!("{name}, is it reported?"),
        Syscall::Listen(_)
        | Syscall::Accept
        | Syscall::EpollCreate
        | Syscall::Duplicate
        | Syscall::SocketName
        | Syscall::PeerName
        | Syscall::Close => name.to_owned(),
    };
    format!("{who}: {what}{}", if announced.protocol == Protocol::Tcp { " (TCP)" } else { "" })
}

/// The flags of a receive, and the room that it offers.
fn room(receive: &Receive) -> String {
    let bytes = receive.capacity();
    let flags: Vec<_> = receive.flags.names().collect();
    let flags = if flags.is_empty() { String::new() } else { format!(" with {}", flags.join(" and ")) };
    let plural = if bytes == 1 { "" } else { "s" };
    let room = match receive.form {
        ReceiveForm::Message => "room for",
        ReceiveForm::Recv | ReceiveForm::From | ReceiveForm::Read => "a buffer of",
    };
    format!("{flags}, {room} {bytes} byte{plural}")
}
