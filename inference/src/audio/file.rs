//! Audio files of any rate and number of channels, read a packet at a time: WAV, FLAC, MP3, Ogg Vorbis.

use std::{fs::File, io, path::Path};

use mtor_shared::problem::{Problem, ProblemCode};
use symphonia::core::{
    codecs::audio::{AudioDecoder, AudioDecoderOptions},
    errors::Error,
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint},
    io::{MediaSource, MediaSourceStream},
    meta::MetadataOptions,
};

use super::{Resampler, SAMPLE_RATE};

/// An opened file that gives samples for the models.
pub struct AudioFile {
    name: String,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    resampler: Option<(u32, Resampler)>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    /// Frames at the file's own rate.
    frames: u64,
    ended: bool,
}

impl AudioFile {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// `not-found` for a file that cannot be opened, `unsupported` for one that is no sound that MTOR reads.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| {
            Problem::new(
                ProblemCode::NotFound,
                format!("{name} cannot be opened ({error})."),
                "Check the path.",
            )
        })?;
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        Self::new(Box::new(file), &hint, name)
    }

    /// Reads from memory.
    ///
    /// # Errors
    ///
    /// As [`AudioFile::open`]; `name` is what they call it.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, Problem> {
        Self::new(Box::new(io::Cursor::new(bytes)), &Hint::new(), name.to_owned())
    }

    fn new(source: Box<dyn MediaSource>, hint: &Hint, name: String) -> Result<Self, Problem> {
        let unknown = |what: &dyn std::fmt::Display| {
            Problem::new(
                ProblemCode::Unsupported,
                format!("{name} is no sound that MTOR reads ({what})."),
                "Use WAV, FLAC, MP3 or Ogg Vorbis.",
            )
        };
        let stream = MediaSourceStream::new(source, Default::default());
        let format = symphonia::default::get_probe()
            .probe(hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| unknown(&error))?;
        let track =
            format.default_track(TrackType::Audio).ok_or_else(|| unknown(&"it has no sound track"))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .ok_or_else(|| unknown(&"it does not tell how it is coded"))?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| unknown(&error))?;
        let track = track.id;
        Ok(Self {
            name,
            format,
            decoder,
            track,
            resampler: None,
            interleaved: Vec::new(),
            mono: Vec::new(),
            frames: 0,
            ended: false,
        })
    }

    /// Adds the next samples, one channel of 16 kHz, to `out`; false once there are no more.
    ///
    /// # Errors
    ///
    /// `bad-request` for a file that is damaged, with the time up to which it is sound.
    pub fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, Problem> {
        if self.ended {
            return Ok(false);
        }
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            // A file that is cut off ends where it was cut off.
            Ok(None) => return self.end(out),
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return self.end(out);
            }
            Err(error) => return Err(self.damaged(&error)),
        };
        if packet.track_id != self.track {
            return Ok(true);
        }
        let Self { decoder, interleaved, mono, resampler, .. } = self;
        let (rate, channels) = match decoder.decode(&packet) {
            Ok(sound) => {
                interleaved.resize(sound.samples_interleaved(), 0.0);
                sound.copy_to_slice_interleaved(&mut *interleaved);
                (sound.spec().rate(), sound.num_planes().max(1))
            }
            Err(error) => return Err(self.damaged(&error)),
        };
        mono.clear();
        let share = 1.0 / channels as f32;
        mono.extend(interleaved.chunks_exact(channels).map(|frame| {
            let sum = frame.iter().sum::<f32>() * share;
            // Floats may be anything in a file.
            if sum.is_finite() { sum.clamp(-8.0, 8.0) } else { 0.0 }
        }));
        self.frames += mono.len() as u64;
        match resampler {
            Some((known, resampler)) if *known == rate => resampler.push(mono, out),
            _ => {
                if let Some((_, old)) = resampler {
                    old.finish(out);
                }
                let mut new = Resampler::new(rate, SAMPLE_RATE)?;
                new.push(mono, out);
                *resampler = Some((rate, new));
            }
        }
        Ok(true)
    }

    /// All samples at once; only for sound that is short.
    ///
    /// # Errors
    ///
    /// As [`AudioFile::read`].
    pub fn read_all(mut self) -> Result<Vec<f32>, Problem> {
        let mut samples = Vec::new();
        while self.read(&mut samples)? {}
        Ok(samples)
    }

    fn end(&mut self, out: &mut Vec<f32>) -> Result<bool, Problem> {
        self.ended = true;
        match &mut self.resampler {
            Some((_, resampler)) => {
                resampler.finish(out);
                Ok(true)
            }
            None => Err(Problem::new(
                ProblemCode::BadRequest,
                format!("There is no sound in {}.", self.name),
                "Check the file.",
            )),
        }
    }

    fn damaged(&self, error: &Error) -> Problem {
        let rate = self.resampler.as_ref().map_or(1, |(rate, _)| *rate);
        Problem::new(
            ProblemCode::BadRequest,
            format!("{} is damaged {:.1} s in ({error}).", self.name, self.frames as f64 / f64::from(rate)),
            "Check the file, or convert it again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wav;

    /// A WAV file of a ramp in that format: bits a sample, and whether they are floats.
    fn ramp(bits: u16, float: bool, channels: u16, rate: u32, frames: u32) -> Vec<u8> {
        let mut data = Vec::new();
        for frame in 0..frames {
            for channel in 0..channels {
                // The channels differ and their mean is the ramp.
                let side = if channels == 2 { 0.25 * (1.0 - 2.0 * f64::from(channel)) } else { 0.0 };
                let v = f64::from(frame) / f64::from(frames) - 0.5 + side;
                match (bits, float) {
                    (8, _) => data.push((v * 127.0 + 128.0) as u8),
                    (16, _) => data.extend(((v * 32_767.0) as i16).to_le_bytes()),
                    (24, _) => data.extend(&((v * 8_388_607.0) as i32).to_le_bytes()[..3]),
                    (32, false) => data.extend(((v * 2_147_483_647.0) as i32).to_le_bytes()),
                    _ => data.extend((v as f32).to_le_bytes()),
                }
            }
        }
        let mut out = wav(&[], rate);
        let block = channels * bits / 8;
        out[4..8].copy_from_slice(&(36 + data.len() as u32).to_le_bytes());
        out[20..22].copy_from_slice(&(if float { 3u16 } else { 1 }).to_le_bytes());
        out[22..24].copy_from_slice(&channels.to_le_bytes());
        out[28..32].copy_from_slice(&(rate * u32::from(block)).to_le_bytes());
        out[32..34].copy_from_slice(&block.to_le_bytes());
        out[34..36].copy_from_slice(&bits.to_le_bytes());
        out[40..44].copy_from_slice(&(data.len() as u32).to_le_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn every_kind_of_wav_gives_the_same_samples() {
        for (bits, float) in [(8, false), (16, false), (24, false), (32, false), (32, true)] {
            for channels in [1, 2] {
                let bytes = ramp(bits, float, channels, 16_000, 5_000);
                let samples = AudioFile::from_bytes(bytes, "ramp").unwrap().read_all().unwrap();
                assert_eq!(samples.len(), 5_000);
                for (i, v) in samples.iter().enumerate() {
                    let want = i as f32 / 5_000.0 - 0.5;
                    assert!(
                        (v - want).abs() < 0.02,
                        "{bits} bits, {channels} channels: {v} instead of {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn another_rate_gives_as_much_time() {
        for rate in [8_000, 22_050, 48_000] {
            let samples = AudioFile::from_bytes(ramp(16, false, 1, rate, rate / 2), "ramp").unwrap();
            assert_eq!(samples.read_all().unwrap().len(), 8_000);
        }
    }

    #[test]
    fn what_is_no_sound_is_named() {
        let problem = AudioFile::from_bytes(vec![7; 5_000], "noise.bin").err().unwrap();
        assert_eq!(problem.code, ProblemCode::Unsupported);
        assert!(problem.title.contains("noise.bin") && problem.advice.contains("WAV"), "{problem}");
        assert!(AudioFile::from_bytes(Vec::new(), "empty").is_err());
        assert_eq!(AudioFile::open(Path::new("/nonexistent.wav")).err().unwrap().code, ProblemCode::NotFound);
        let silent = AudioFile::from_bytes(wav(&[], 16_000), "silent.wav").and_then(AudioFile::read_all);
        assert!(silent.unwrap_err().title.contains("silent.wav"));
    }

    #[test]
    fn a_file_that_is_cut_off_is_read_as_far_as_it_goes() {
        let mut bytes = ramp(16, false, 1, 16_000, 5_000);
        bytes.truncate(44 + 2 * 3_000 + 1);
        let samples = AudioFile::from_bytes(bytes, "cut").unwrap().read_all().unwrap();
        assert!((2_000..=3_000).contains(&samples.len()), "{}", samples.len());
    }
}
