//! States of the voice loop and what leads from one to the other.

use serde::{Deserialize, Serialize};

use super::words::{Command, command, is_stop, wake};

/// Times of the loop, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// A step in which nothing happens ends after this.
    pub step_ms: u64,
    /// Steps that may end so, one after the other, before the loop ends.
    pub misses: u32,
    /// Without the wake word the microphone is closed after this; none keeps it open.
    pub privacy_ms: Option<u64>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { step_ms: 15_000, misses: 2, privacy_ms: Some(10 * 60_000) }
    }
}

/// Whether sound can be heard at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ear {
    /// The microphone gives samples.
    Open,
    /// There is none, or the person said no: requests are typed, answers may still be spoken.
    TextOnly,
}

/// Where the loop is. Times are those of the events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Nobody listens.
    Idle,
    /// The wake word is waited for.
    Listening {
        /// When it began, for the privacy timer.
        since_ms: u64,
        /// Steps in which nothing happened, since the last request.
        misses: u32,
    },
    /// The wake word was heard, and no request yet.
    Woken {
        /// When the step began.
        since_ms: u64,
        /// As in [`State::Listening`].
        misses: u32,
    },
    /// A request is being said.
    Recording {
        /// When something was last heard.
        since_ms: u64,
        /// What was said so far, a piece for each breath: what "backspace" takes back.
        pieces: Vec<String>,
        /// What is just being said, as far as it is understood.
        guess: String,
    },
    /// The request was sent.
    Waiting {
        /// What was asked.
        request: String,
    },
    /// The answer is spoken.
    Speaking,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The person turned the loop on, and the microphone was opened or not.
    Started {
        /// Whether there is one.
        ear: Ear,
    },
    /// The person turned the loop off.
    Ended,
    /// Somebody began to speak.
    SpeechBegan,
    /// What somebody seems to say; more may follow.
    Guessed {
        /// The transcript so far.
        text: String,
    },
    /// What somebody said, up to a pause.
    Heard {
        /// The transcript.
        text: String,
    },
    /// A request was typed instead.
    Typed {
        /// It.
        text: String,
    },
    /// The answer begins to be spoken.
    AnswerSpoken,
    /// The answer was spoken to its end, or there is none to speak.
    AnswerEnded,
    /// Time passes; comes every second or so.
    Tick,
}

/// Why the loop came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The person turned it off.
    Asked,
    /// Twice nothing followed.
    Missed,
    /// The wake word was not said for long.
    Privacy,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// Tell that the wake word was heard: a tone, a light.
    Acknowledge,
    /// Send a request.
    Submit {
        /// It.
        request: String,
    },
    /// End what is spoken, at once.
    Silence,
    /// Stop what was asked and not answered yet.
    Cancel,
    /// Nothing followed in this step: say so, once.
    NothingHeard,
    /// The microphone is not needed any more.
    CloseMicrophone {
        /// Why.
        why: Why,
    },
}

/// The loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    rules: Rules,
    ear: Ear,
    state: State,
}

impl Loop {
    /// A loop that is off.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ear: Ear::TextOnly, state: State::Idle }
    }

    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether sound is heard.
    pub fn ear(&self) -> Ear {
        self.ear
    }

    /// Milliseconds until the present step ends by itself; none where it does not.
    pub fn left_ms(&self, now_ms: u64) -> Option<u64> {
        let (since, limit) = match &self.state {
            State::Listening { since_ms, .. } => (*since_ms, self.rules.privacy_ms?),
            State::Woken { since_ms, .. } | State::Recording { since_ms, .. } => {
                (*since_ms, self.rules.step_ms)
            }
            State::Idle | State::Waiting { .. } | State::Speaking => return None,
        };
        Some(limit.saturating_sub(now_ms.saturating_sub(since)))
    }

    /// What is being asked, as far as it was said.
    pub fn request(&self) -> String {
        match &self.state {
            State::Recording { pieces, guess, .. } => {
                let guess = Some(guess).filter(|guess| !guess.is_empty());
                pieces.iter().chain(guess).map(String::as_str).collect::<Vec<_>>().join(" ")
            }
            State::Waiting { request } => request.clone(),
            State::Idle | State::Listening { .. } | State::Woken { .. } | State::Speaking => String::new(),
        }
    }

    /// Takes what happened at `now_ms`; what is to be done, in order.
    pub fn take(&mut self, event: Event, now_ms: u64) -> Vec<Effect> {
        let state = std::mem::replace(&mut self.state, State::Idle);
        let (next, effects) = match event {
            Event::Started { ear } => {
                self.ear = ear;
                (self.resting(now_ms, 0), silence_of(&state))
            }
            Event::Ended => self.end(state, Why::Asked),
            Event::Typed { text } => self.typed(state, &text),
            Event::Tick => self.tick(state, now_ms),
            Event::SpeechBegan => (speech_began(state, now_ms), Vec::new()),
            Event::Guessed { text } => self.guessed(state, text, now_ms),
            Event::Heard { text } => self.heard(state, &text, now_ms),
            Event::AnswerSpoken => match state {
                State::Waiting { .. } => (State::Speaking, Vec::new()),
                // It was silenced meanwhile: nobody wants it.
                other => (other, vec![Effect::Silence]),
            },
            Event::AnswerEnded => match state {
                State::Waiting { .. } | State::Speaking => (self.resting(now_ms, 0), Vec::new()),
                other => (other, Vec::new()),
            },
        };
        self.state = next;
        effects
    }

    /// Where the loop waits for a person.
    fn resting(&self, now_ms: u64, misses: u32) -> State {
        match self.ear {
            Ear::Open => State::Listening { since_ms: now_ms, misses },
            Ear::TextOnly => State::Idle,
        }
    }

    fn end(&mut self, state: State, why: Why) -> (State, Vec<Effect>) {
        let mut effects = silence_of(&state);
        if self.ear == Ear::Open {
            effects.push(Effect::CloseMicrophone { why });
            self.ear = Ear::TextOnly;
        }
        (State::Idle, effects)
    }

    fn typed(&self, state: State, text: &str) -> (State, Vec<Effect>) {
        let request = text.trim().to_owned();
        if request.is_empty() {
            return (state, Vec::new());
        }
        let mut effects = silence_of(&state);
        effects.push(Effect::Submit { request: request.clone() });
        (State::Waiting { request }, effects)
    }

    fn tick(&mut self, state: State, now_ms: u64) -> (State, Vec<Effect>) {
        self.state = state;
        let is_over = self.left_ms(now_ms) == Some(0);
        let state = std::mem::replace(&mut self.state, State::Idle);
        match state {
            State::Listening { .. } if is_over => self.end(state, Why::Privacy),
            State::Woken { misses, .. } if is_over => self.miss(misses, now_ms),
            // What was said is not lost: silence submits, as the word does.
            State::Recording { ref pieces, .. } if is_over => match pieces.join(" ") {
                request if request.is_empty() => self.miss(0, now_ms),
                request => (State::Waiting { request: request.clone() }, vec![Effect::Submit { request }]),
            },
            other => (other, Vec::new()),
        }
    }

    fn miss(&mut self, misses: u32, now_ms: u64) -> (State, Vec<Effect>) {
        if misses + 1 >= self.rules.misses {
            return self.end(State::Idle, Why::Missed);
        }
        (self.resting(now_ms, misses + 1), vec![Effect::NothingHeard])
    }

    fn guessed(&self, state: State, text: String, now_ms: u64) -> (State, Vec<Effect>) {
        if is_stop(&text) {
            return self.stopped(state, now_ms);
        }
        match state {
            State::Recording { pieces, .. } => {
                (State::Recording { since_ms: now_ms, pieces, guess: text }, Vec::new())
            }
            State::Woken { .. } if !text.trim().is_empty() => {
                (State::Recording { since_ms: now_ms, pieces: Vec::new(), guess: text }, Vec::new())
            }
            other => (other, Vec::new()),
        }
    }

    fn heard(&self, state: State, text: &str, now_ms: u64) -> (State, Vec<Effect>) {
        match state {
            State::Idle => (State::Idle, Vec::new()),
            State::Listening { since_ms, misses } => match wake(text) {
                None => (State::Listening { since_ms, misses }, Vec::new()),
                Some(rest) => self.woken(&rest, misses, now_ms),
            },
            State::Woken { misses, .. } if text.trim().is_empty() => {
                (State::Woken { since_ms: now_ms, misses }, Vec::new())
            }
            State::Woken { misses, .. } => match wake(text) {
                // The word once more, before any request: still awake.
                Some(rest) if rest.is_empty() => (State::Woken { since_ms: now_ms, misses }, Vec::new()),
                Some(rest) => self.said(Vec::new(), &rest, now_ms),
                None => self.said(Vec::new(), text, now_ms),
            },
            State::Recording { pieces, .. } => self.said(pieces, text, now_ms),
            State::Waiting { .. } | State::Speaking => {
                if is_stop(text) {
                    return self.stopped(state, now_ms);
                }
                // Barge-in: the word ends the answer and begins the next request.
                match wake(text) {
                    Some(rest) => {
                        let mut effects = silence_of(&state);
                        let (next, more) = self.woken(&rest, 0, now_ms);
                        effects.extend(more);
                        (next, effects)
                    }
                    None => (state, Vec::new()),
                }
            }
        }
    }

    fn woken(&self, rest: &str, misses: u32, now_ms: u64) -> (State, Vec<Effect>) {
        let mut effects = vec![Effect::Acknowledge];
        if rest.is_empty() {
            return (State::Woken { since_ms: now_ms, misses }, effects);
        }
        let (next, more) = self.said(Vec::new(), rest, now_ms);
        effects.extend(more);
        (next, effects)
    }

    /// A piece of a request, perhaps with a command in it.
    fn said(&self, mut pieces: Vec<String>, text: &str, now_ms: u64) -> (State, Vec<Effect>) {
        let heard = command(text);
        match heard.command {
            Some(Command::Stop) => (self.resting(now_ms, 0), vec![Effect::Silence]),
            Some(Command::Erase) => {
                // What was said in the same breath, else the breath before.
                if heard.before.is_empty() {
                    pieces.pop();
                }
                if heard.after.is_empty() {
                    (State::Recording { since_ms: now_ms, pieces, guess: String::new() }, Vec::new())
                } else {
                    self.said(pieces, &heard.after, now_ms)
                }
            }
            Some(Command::Submit) => {
                pieces.extend(Some(heard.before).filter(|before| !before.is_empty()));
                match pieces.join(" ") {
                    request if request.is_empty() => {
                        (State::Woken { since_ms: now_ms, misses: 0 }, Vec::new())
                    }
                    request => {
                        (State::Waiting { request: request.clone() }, vec![Effect::Submit { request }])
                    }
                }
            }
            None => {
                pieces.extend(Some(heard.before).filter(|before| !before.is_empty()));
                (State::Recording { since_ms: now_ms, pieces, guess: String::new() }, Vec::new())
            }
        }
    }

    /// Somebody wants silence.
    fn stopped(&self, state: State, now_ms: u64) -> (State, Vec<Effect>) {
        match state {
            State::Idle | State::Listening { .. } => (state, Vec::new()),
            State::Woken { .. } | State::Recording { .. } => (self.resting(now_ms, 0), vec![Effect::Silence]),
            State::Waiting { .. } | State::Speaking => {
                let effects = silence_of(&state);
                (self.resting(now_ms, 0), effects)
            }
        }
    }
}

/// A step does not end while somebody speaks.
fn speech_began(state: State, now_ms: u64) -> State {
    match state {
        State::Woken { misses, .. } => State::Woken { since_ms: now_ms, misses },
        State::Recording { pieces, guess, .. } => State::Recording { since_ms: now_ms, pieces, guess },
        other => other,
    }
}

/// What ends with a state that is left early.
fn silence_of(state: &State) -> Vec<Effect> {
    match state {
        State::Waiting { .. } => vec![Effect::Cancel],
        State::Speaking => vec![Effect::Silence],
        State::Idle | State::Listening { .. } | State::Woken { .. } | State::Recording { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening() -> Loop {
        let mut voice = Loop::new(Rules::default());
        assert_eq!(voice.take(Event::Started { ear: Ear::Open }, 0), []);
        voice
    }

    fn heard(voice: &mut Loop, text: &str, now_ms: u64) -> Vec<Effect> {
        voice.take(Event::Heard { text: text.into() }, now_ms)
    }

    fn submit(request: &str) -> Effect {
        Effect::Submit { request: request.into() }
    }

    #[test]
    fn the_word_a_request_and_the_word_again_ask() {
        let mut voice = listening();
        assert_eq!(heard(&mut voice, "what a day", 1_000), []);
        assert_eq!(heard(&mut voice, "Computer.", 2_000), [Effect::Acknowledge]);
        assert_eq!(heard(&mut voice, "What is the weather", 4_000), []);
        assert_eq!(heard(&mut voice, "in Berlin tomorrow?", 6_000), []);
        assert_eq!(voice.request(), "What is the weather in Berlin tomorrow?");
        let request = "What is the weather in Berlin tomorrow?";
        assert_eq!(heard(&mut voice, "Computer.", 8_000), [submit(request)]);
        assert_eq!(voice.state(), &State::Waiting { request: request.into() });
        voice.take(Event::AnswerSpoken, 9_000);
        assert_eq!(voice.state(), &State::Speaking);
        voice.take(Event::AnswerEnded, 12_000);
        assert_eq!(voice.state(), &State::Listening { since_ms: 12_000, misses: 0 });
    }

    #[test]
    fn one_breath_may_hold_all_of_it() {
        let mut voice = listening();
        let effects = heard(&mut voice, "Computer, play some music, computer.", 1_000);
        assert_eq!(effects, [Effect::Acknowledge, submit("play some music")]);
    }

    #[test]
    fn silence_after_a_request_submits_it() {
        let mut voice = listening();
        heard(&mut voice, "Computer, what time is it?", 1_000);
        assert_eq!(voice.take(Event::Tick, 15_999), []);
        assert_eq!(voice.left_ms(15_999), Some(1));
        assert_eq!(voice.take(Event::Tick, 16_000), [submit("what time is it?")]);
    }

    #[test]
    fn backspace_takes_the_last_breath_back() {
        let mut voice = listening();
        heard(&mut voice, "Computer", 0);
        heard(&mut voice, "What is the weather", 1_000);
        heard(&mut voice, "in Paris", 2_000);
        heard(&mut voice, "backspace", 3_000);
        assert_eq!(voice.request(), "What is the weather");
        heard(&mut voice, "backspace, in Rome", 4_000);
        assert_eq!(voice.request(), "in Rome");
        heard(&mut voice, "in Oslo backspace in Bonn", 5_000);
        assert_eq!(voice.request(), "in Rome in Bonn");
    }

    #[test]
    fn two_misses_end_the_loop_and_a_request_forgives_them() {
        let mut voice = listening();
        heard(&mut voice, "Computer", 0);
        assert_eq!(voice.take(Event::Tick, 15_000), [Effect::NothingHeard]);
        heard(&mut voice, "Computer", 20_000);
        let closed = Effect::CloseMicrophone { why: Why::Missed };
        assert_eq!(voice.take(Event::Tick, 35_000), std::slice::from_ref(&closed));
        assert_eq!((voice.state(), voice.ear()), (&State::Idle, Ear::TextOnly));

        let mut voice = listening();
        heard(&mut voice, "Computer", 0);
        voice.take(Event::Tick, 15_000);
        heard(&mut voice, "Computer, hello, computer", 20_000);
        voice.take(Event::AnswerEnded, 21_000);
        heard(&mut voice, "Computer", 30_000);
        assert_eq!(voice.take(Event::Tick, 45_000), [Effect::NothingHeard]);
    }

    #[test]
    fn a_step_does_not_end_while_somebody_speaks() {
        let mut voice = listening();
        heard(&mut voice, "Computer", 0);
        voice.take(Event::SpeechBegan, 14_000);
        assert_eq!(voice.take(Event::Tick, 16_000), []);
        voice.take(Event::Guessed { text: "what is".into() }, 17_000);
        assert_eq!(voice.request(), "what is");
        assert_eq!(voice.take(Event::Tick, 31_000), []);
    }

    #[test]
    fn the_microphone_closes_when_nobody_needs_it_for_long() {
        let mut voice = listening();
        heard(&mut voice, "nothing for us", 599_000);
        assert_eq!(voice.take(Event::Tick, 599_999), []);
        assert_eq!(voice.take(Event::Tick, 600_000), [Effect::CloseMicrophone { why: Why::Privacy }]);
        let mut open = Loop::new(Rules { privacy_ms: None, ..Rules::default() });
        open.take(Event::Started { ear: Ear::Open }, 0);
        assert_eq!(open.take(Event::Tick, u64::MAX), []);
    }

    #[test]
    fn an_answer_is_interrupted_by_the_word_and_silenced_at_once() {
        let mut voice = listening();
        heard(&mut voice, "Computer, tell me a story, computer", 0);
        voice.take(Event::AnswerSpoken, 1_000);
        assert_eq!(heard(&mut voice, "nice story", 2_000), []);
        let effects = heard(&mut voice, "Computer, another one", 3_000);
        assert_eq!(effects, [Effect::Silence, Effect::Acknowledge]);
        assert_eq!(voice.request(), "another one");

        heard(&mut voice, "computer", 4_000);
        voice.take(Event::AnswerSpoken, 5_000);
        assert_eq!(voice.take(Event::Guessed { text: "oh shut up".into() }, 6_000), [Effect::Silence]);
        assert_eq!(voice.state(), &State::Listening { since_ms: 6_000, misses: 0 });
        // What comes late is not spoken.
        assert_eq!(voice.take(Event::AnswerSpoken, 7_000), [Effect::Silence]);
        assert!(matches!(voice.state(), State::Listening { .. }));
    }

    #[test]
    fn stop_while_waiting_cancels_what_was_asked() {
        let mut voice = listening();
        heard(&mut voice, "Computer, count to a million, computer", 0);
        assert_eq!(heard(&mut voice, "stop stop", 1_000), [Effect::Cancel]);
    }

    #[test]
    fn without_a_microphone_requests_are_typed() {
        let mut voice = Loop::new(Rules::default());
        voice.take(Event::Started { ear: Ear::TextOnly }, 0);
        assert_eq!(voice.state(), &State::Idle);
        assert_eq!(voice.take(Event::Typed { text: "  ".into() }, 1), []);
        assert_eq!(voice.take(Event::Typed { text: " hello ".into() }, 1), [submit("hello")]);
        voice.take(Event::AnswerEnded, 2);
        assert_eq!(voice.state(), &State::Idle);
    }

    #[test]
    fn turning_it_off_closes_everything() {
        let mut voice = listening();
        heard(&mut voice, "Computer, a poem, computer", 0);
        voice.take(Event::AnswerSpoken, 1);
        let effects = voice.take(Event::Ended, 2);
        assert_eq!(effects, [Effect::Silence, Effect::CloseMicrophone { why: Why::Asked }]);
        assert_eq!(voice.take(Event::Ended, 3), []);
        assert_eq!(heard(&mut voice, "computer", 4), []);
    }
}
