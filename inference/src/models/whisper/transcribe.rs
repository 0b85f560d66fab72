//! A sound of any length to text: windows of 30 seconds, each beginning where the one before was sure of having heard
//! everything.
//!
//! The rules are those of OpenAI's and faster-whisper's `transcribe`: times decide where a window ends, a transcript
//! that repeats itself or is unlikely is tried again with more chance, and silence is left out.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use mtor_shared::problem::{Problem, ProblemCode};
use serde::Serialize;

use super::{
    Whisper,
    config::STRIDE,
    search::{Found, Search},
    tokens::TIME_STEP,
};
use crate::audio::{self, FRAME, HOP, SAMPLE_RATE, WINDOW};

/// Frames a second.
const FRAMES: usize = SAMPLE_RATE as usize / HOP;
/// Temperatures to try, the next one where the one before gave something that cannot be right.
const TEMPERATURES: [f32; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
/// Samples to choose from at temperatures above zero.
const SAMPLES: usize = 5;
/// Text that zlib makes smaller than this share of it repeats itself.
const COMPRESSION: f32 = 2.4;
/// The least mean logarithm of a token's probability.
const LIKELIHOOD: f32 = -1.0;
/// The probability of silence from which on an unlikely transcript is silence.
const SILENCE: f32 = 0.6;
/// A transcript from a higher temperature is no prompt for the next one.
const PROMPT_TEMPERATURE: f32 = 0.5;
/// Frames that are added to a sound where the encoder does not see 30 seconds: it was trained on sounds with an end.
const MARGIN: usize = 100;
/// It never sees less than this.
const LEAST: usize = 300;

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The language's code, `de` for example; found out from the first window where there is none.
    pub language: Option<String>,
    /// Beams; one is greedy.
    pub beams: usize,
    /// Whether an unlikely transcript is tried again with more chance.
    pub retries: bool,
    /// Whether a window is read with the text of those before in mind.
    pub remembers: bool,
    /// What the sound may be about: names and words that the model would not think of.
    pub hint: Option<String>,
    /// Whether the encoder sees 30 seconds even where there is less sound. Without, short sounds cost a fraction, and
    /// now and then a word is heard wrongly.
    pub whole_window: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { language: None, beams: 5, retries: true, remembers: true, hint: None, whole_window: true }
    }
}

/// A piece of the transcript.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Piece {
    /// Seconds from the beginning of the sound.
    pub start: f64,
    /// Seconds from the beginning of the sound.
    pub end: f64,
    /// What was said.
    pub text: String,
    /// The language's code, where the model knows more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Mean logarithm of a token's probability in the window.
    pub mean_logprob: f32,
    /// The probability that nobody speaks in the window.
    pub no_speech: f32,
    /// How much smaller zlib makes the window's text.
    pub compression_ratio: f32,
    /// The temperature at which it was found.
    pub temperature: f32,
}

/// What a step has come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A window needs more samples.
    Waiting,
    /// A window was read; there may be nothing in it.
    Window(Vec<Piece>),
    /// Everything was read.
    Ended,
}

/// A sound on the way to becoming text.
pub struct Transcription {
    options: Options,
    language: Option<(u32, String, f32)>,
    /// Samples from `kept` on: a window and what comes after it, never more than was pushed at once.
    samples: Vec<f32>,
    kept: usize,
    taken: usize,
    ended: bool,
    /// The next frame to read.
    seek: usize,
    /// Tokens that were heard before, the hint first.
    previous: Vec<u32>,
    /// Logarithm of the loudest energy so far.
    loudest: f32,
}

impl Transcription {
    /// Takes the next samples, one channel of 16 kHz. Where [`Whisper::step`] is not called in between until it waits,
    /// they pile up.
    pub fn push(&mut self, samples: &[f32]) {
        self.taken += samples.len();
        self.samples.extend_from_slice(samples);
    }

    /// There are no more samples.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The language and how likely it is, once it is known; none where the model knows only English.
    pub fn language(&self) -> Option<(&str, f32)> {
        self.language.as_ref().map(|(_, code, share)| (code.as_str(), *share))
    }

    /// Seconds that were read so far.
    pub fn done_secs(&self) -> f64 {
        self.seek as f64 / FRAMES as f64
    }

    /// Frames from `seek` on that can be computed by now, up to a window.
    fn frames(&self) -> usize {
        let whole = if self.ended {
            self.taken / HOP
        } else {
            // Half a frame comes after its middle.
            (self.taken + HOP).saturating_sub(FRAME / 2) / HOP
        };
        whole.saturating_sub(self.seek).min(WINDOW)
    }

    /// The samples of `frames` frames from `seek` on. Before the beginning the sound is mirrored, after the end it is
    /// silent.
    fn stretch(&self, frames: usize) -> Vec<f32> {
        let first = (self.seek * HOP) as isize - (FRAME / 2) as isize;
        let count = (frames.max(1) - 1) * HOP + FRAME;
        (first..first + count as isize)
            .map(|at| {
                let at = at.unsigned_abs();
                at.checked_sub(self.kept).and_then(|at| self.samples.get(at)).copied().unwrap_or(0.0)
            })
            .collect()
    }

    /// Forgets samples that no frame needs any more.
    fn forget(&mut self) {
        let needed = (self.seek * HOP).saturating_sub(FRAME);
        let unused = needed.saturating_sub(self.kept).min(self.samples.len());
        self.samples.drain(..unused);
        self.kept += unused;
    }
}

/// A window's transcript that passed the checks, or the best that did not.
struct Heard {
    found: Found,
    temperature: f32,
    compression: f32,
}

impl Whisper {
    /// Begins with a sound.
    ///
    /// # Errors
    ///
    /// `bad-argument` for a language that the model does not know.
    pub fn begin(&self, options: Options) -> Result<Transcription, Problem> {
        let language = match &options.language {
            Some(code) if !self.tokens.languages().is_empty() => {
                let known = self.tokens.languages().iter().find(|(_, known)| known == code);
                let (id, code) = known.ok_or_else(|| {
                    Problem::new(
                        ProblemCode::BadArgument,
                        format!("The model does not know the language {code}."),
                        "Give its code, as en, de or fr; or none, and it is found out.",
                    )
                })?;
                Some((*id, code.clone(), 1.0))
            }
            Some(code) if code != "en" => {
                return Err(Problem::new(
                    ProblemCode::BadArgument,
                    "This model knows English only.",
                    "Choose the multilingual model.",
                ));
            }
            _ => None,
        };
        let previous = match &options.hint {
            Some(hint) if !hint.trim().is_empty() => self.tokens.encode(&format!(" {}", hint.trim()))?,
            _ => Vec::new(),
        };
        Ok(Transcription {
            options,
            language,
            samples: Vec::new(),
            kept: 0,
            taken: 0,
            ended: false,
            seek: 0,
            previous,
            loudest: f32::NEG_INFINITY,
        })
    }

    /// Reads the next window.
    ///
    /// # Errors
    ///
    /// None on the CPU; `device-lost` once there is a GPU.
    pub async fn step(&mut self, sound: &mut Transcription) -> Result<Step, Problem> {
        let frames = sound.frames();
        if frames < WINDOW && !sound.ended {
            return Ok(Step::Waiting);
        }
        if frames == 0 {
            return Ok(Step::Ended);
        }
        self.hear(sound, frames);
        let heard = self.find_or_retry(sound);
        let Heard { found, compression, temperature, .. } = &heard;
        let mean = found.mean();
        if found.no_speech > SILENCE && mean <= LIKELIHOOD {
            sound.seek += frames;
            sound.forget();
            return Ok(Step::Window(Vec::new()));
        }
        let offset = sound.seek;
        let (spans, next) = spans(&found.tokens, self.tokens.first_time(), frames);
        // A window that ends where it began would be read for ever.
        sound.seek += if next == 0 { frames } else { next };
        let mut pieces = Vec::new();
        for Span { start, end, tokens } in spans {
            let text = self.tokens.decode(tokens);
            if start >= end || text.trim().is_empty() {
                continue;
            }
            sound.previous.extend(tokens);
            let secs = |time: f64| ((offset as f64 / FRAMES as f64 + time) * 1e3).round() / 1e3;
            pieces.push(Piece {
                start: secs(start),
                end: secs(end),
                text,
                language: sound.language.as_ref().map(|(_, code, _)| code.clone()),
                mean_logprob: mean,
                no_speech: found.no_speech,
                compression_ratio: *compression,
                temperature: *temperature,
            });
        }
        if !sound.options.remembers || *temperature > PROMPT_TEMPERATURE {
            sound.previous.clear();
        }
        let remembered = self.config.context / 2 - 1;
        let forgotten = sound.previous.len().saturating_sub(remembered);
        sound.previous.drain(..forgotten);
        sound.forget();
        Ok(Step::Window(pieces))
    }

    /// What the sound that has come so far seems to say, from the window that is not complete: a quick guess that
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Whisper::step`].
    pub async fn guess(&mut self, sound: &mut Transcription) -> Result<String, Problem> {
        let frames = sound.frames();
        if frames == 0 {
            return Ok(String::new());
        }
        let (loudest, whole) = (sound.loudest, sound.options.whole_window);
        sound.options.whole_window = false;
        self.hear(sound, frames);
        (sound.loudest, sound.options.whole_window) = (loudest, whole);
        let prompt = self.prompt(sound);
        let found = self.find(&prompt, Search::Beams(1), true);
        if found.no_speech > SILENCE && found.mean() <= LIKELIHOOD {
            return Ok(String::new());
        }
        Ok(self.tokens.decode(&found.tokens))
    }

    /// Listens to the next frames, and finds out the language if it is not known.
    fn hear(&mut self, sound: &mut Transcription, frames: usize) {
        let mut mel = self.mel.logarithms(&sound.stretch(frames), frames);
        sound.loudest = mel.iter().copied().fold(sound.loudest, f32::max);
        audio::scale(&mut mel, sound.loudest);
        let seen = if sound.options.whole_window {
            WINDOW
        } else {
            (frames + MARGIN).clamp(LEAST, WINDOW).next_multiple_of(STRIDE)
        };
        mel.resize(seen * self.config.bands, 0.0);
        self.listen(&mel);
        if sound.language.is_none()
            && let Some((id, share)) = self.languages().first().copied()
            && let Some((_, code)) = self.tokens.languages().iter().find(|(other, _)| *other == id)
        {
            sound.language = Some((id, code.clone(), share));
        }
    }

    fn prompt(&self, sound: &Transcription) -> Vec<u32> {
        let tokens = &self.tokens;
        let mut prompt = Vec::new();
        if !sound.previous.is_empty() {
            prompt.push(tokens.start_of_previous);
            let kept = sound.previous.len().saturating_sub(self.config.context / 2 - 1);
            prompt.extend(&sound.previous[kept..]);
        }
        prompt.push(tokens.start);
        if let Some((language, ..)) = sound.language {
            prompt.extend([language, tokens.transcribe]);
        }
        prompt
    }

    fn find_or_retry(&mut self, sound: &Transcription) -> Heard {
        let prompt = self.prompt(sound);
        let mut tried: Vec<Heard> = Vec::new();
        for temperature in TEMPERATURES {
            let search = if temperature > 0.0 {
                // Another window, another sequence; the same sound, the same words.
                let seed = (sound.seek as u64) << 8 | u64::from(temperature.to_bits());
                Search::Samples { count: SAMPLES, temperature, seed }
            } else {
                Search::Beams(sound.options.beams)
            };
            let found = self.find(&prompt, search, true);
            let text = self.tokens.decode(&found.tokens).trim().to_owned();
            let (compression, mean) = (compression(&text), found.mean());
            let repeats = compression > COMPRESSION;
            let is_silence = found.no_speech > SILENCE && mean < LIKELIHOOD;
            let heard = Heard { found, temperature, compression };
            if (!repeats && mean >= LIKELIHOOD) || is_silence || !sound.options.retries {
                return heard;
            }
            tried.push(heard);
        }
        // None is good: the likeliest of those that do not repeat themselves, else of all.
        let any = tried.iter().any(|heard| heard.compression <= COMPRESSION);
        let last = TEMPERATURES[TEMPERATURES.len() - 1];
        let best = tried
            .into_iter()
            .filter(|heard| !any || heard.compression <= COMPRESSION)
            .reduce(|best, other| if other.found.mean() > best.found.mean() { other } else { best });
        match best {
            Some(best) => Heard { temperature: last, ..best },
            None => Heard {
                found: Found { tokens: Vec::new(), sum: 0.0, no_speech: 1.0 },
                temperature: last,
                compression: 0.0,
            },
        }
    }
}

/// How much smaller zlib makes a text.
fn compression(text: &str) -> f32 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let compressed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
    text.len() as f32 / compressed.len().max(1) as f32
}

/// Tokens between two times; seconds from the beginning of the window.
#[derive(Debug, PartialEq)]
struct Span<'a> {
    start: f64,
    end: f64,
    tokens: &'a [u32],
}

/// Cuts a transcript where two times follow each other; and how many frames of the window were heard to their end.
fn spans(tokens: &[u32], first_time: u32, frames: usize) -> (Vec<Span<'_>>, usize) {
    let is_time = |at: usize| tokens.get(at).is_some_and(|id| *id >= first_time);
    let step = |id: u32| id.saturating_sub(first_time);
    let seconds = |id: u32| f64::from(step(id)) * TIME_STEP;
    let count = tokens.len();
    // One time at the end: nobody speaks after it.
    let closed = count >= 2 && is_time(count - 1) && !is_time(count - 2);
    let mut cuts: Vec<usize> = (1..count).filter(|at| is_time(*at) && is_time(at - 1)).collect();
    if cuts.is_empty() {
        let last = tokens.iter().rev().copied().find(|id| *id >= first_time).filter(|id| *id > first_time);
        let end = last.map_or(frames as f64 / FRAMES as f64, seconds);
        return (vec![Span { start: 0.0, end, tokens }], frames);
    }
    if closed {
        cuts.push(count);
    }
    let mut spans = Vec::new();
    let mut from = 0;
    for cut in cuts {
        let part = &tokens[from..cut];
        if let (Some(start), Some(end)) = (part.first(), part.last()) {
            spans.push(Span { start: seconds(*start), end: seconds(*end), tokens: part });
        }
        from = cut;
    }
    let heard = if closed { frames } else { step(tokens[from - 1]) as usize * STRIDE };
    (spans, heard.min(frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u32 = 1000;

    #[test]
    fn a_transcript_without_pairs_is_one_span_to_its_last_time() {
        let (found, heard) = spans(&[T, 5, 6, T + 100], T, 500);
        assert_eq!(found, [Span { start: 0.0, end: 2.0, tokens: &[T, 5, 6, T + 100] }]);
        assert_eq!(heard, 500);
        let (found, _) = spans(&[T, 5, 6], T, 500);
        assert_eq!(found[0].end, 5.0);
    }

    #[test]
    fn pairs_cut_and_what_is_not_finished_is_heard_again() {
        let tokens = [T, 5, T + 50, T + 60, 6, T + 100, T + 100, 7];
        let (found, heard) = spans(&tokens, T, 3000);
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].start, found[1].end, found[1].tokens), (1.2, 2.0, &tokens[3..6]));
        assert_eq!(heard, 200);
    }

    #[test]
    fn a_single_time_at_the_end_closes_the_window() {
        let tokens = [T, 5, T + 50, T + 60, 6, T + 100];
        let (found, heard) = spans(&tokens, T, 3000);
        assert_eq!((found.len(), heard), (2, 3000));
    }

    #[test]
    fn text_that_repeats_itself_compresses_well() {
        assert!(compression(&"and so on ".repeat(30)) > COMPRESSION);
        assert!(compression("The child almost hurt the small dog.") < 1.2);
        assert_eq!(compression(""), 0.0);
    }
}
