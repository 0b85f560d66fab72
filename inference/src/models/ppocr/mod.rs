//! PP-OCR: finds lines of writing in a picture, turns them upright and reads them.
//!
//! Three small networks: a detector (differentiable binarisation: a map of how likely each pixel is writing), a
//! classifier that tells lines that stand on their head, and a recogniser whose columns each name a character. What is
//! done between them follows RapidOCR, the reference that the tests compare with.

mod detect;
mod geometry;
mod recognise;
mod regions;

use mtor_shared::{
    problem::Problem,
    seen::{Line, sort_for_reading},
};

use self::{
    detect::{Detection, Detector},
    recognise::{Recogniser, Upright},
};
use crate::{graph::Fault, image::Picture, onnx};

/// Lines that are less sure than this are left out.
const LEAST_SURE: f32 = 0.5;

/// The loaded networks.
pub struct TextReader {
    detector: Detector,
    upright: Upright,
    recogniser: Recogniser,
}

/// A picture that is being read.
pub struct Reading {
    detection: Option<Detection>,
    /// What is left to read.
    crops: Vec<Crop>,
    lines: Vec<Line>,
}

/// A line that was cut out.
struct Crop {
    picture: Picture,
    corners: [[f32; 2]; 4],
}

impl TextReader {
    /// Prepares the networks from the content of their three files.
    ///
    /// # Errors
    ///
    /// When a file is not what it should be.
    pub fn load(detector: &[u8], upright: &[u8], recogniser: &[u8]) -> Result<Self, Problem> {
        let named = |name: &'static str| move |fault: Fault| fault.at(name);
        Ok(Self {
            detector: Detector::new(onnx::read(detector).map_err(named("the detector"))?)
                .map_err(named("the detector"))?,
            upright: Upright::new(onnx::read(upright).map_err(named("the classifier"))?)
                .map_err(named("the classifier"))?,
            recogniser: Recogniser::new(onnx::read(recogniser).map_err(named("the recogniser"))?)
                .map_err(named("the recogniser"))?,
        })
    }

    /// Begins to read a picture.
    ///
    /// # Errors
    ///
    /// When the detector does not take its shape.
    pub fn begin(&self, picture: &Picture) -> Result<Reading, Problem> {
        let detection = self.detector.begin(picture)?;
        Ok(Reading { detection, crops: Vec::new(), lines: Vec::new() })
    }

    /// Goes on for a moment: one step of the detector, or one line. False once everything is read.
    ///
    /// # Errors
    ///
    /// When a network does not take a shape.
    pub fn step(&mut self, reading: &mut Reading) -> Result<bool, Problem> {
        if let Some(detection) = &mut reading.detection {
            if self.detector.step(detection)? {
                return Ok(true);
            }
            if let Some(detection) = reading.detection.take() {
                reading.crops = self.detector.finish(detection)?;
            }
            return Ok(!reading.crops.is_empty());
        }
        let Some(Crop { picture, corners }) = reading.crops.pop() else { return Ok(false) };
        let picture = self.upright.turn(picture)?;
        let (text, score) = self.recogniser.read(&picture)?;
        if score >= LEAST_SURE && !text.trim().is_empty() {
            reading.lines.push(Line { text, score, corners });
        }
        Ok(!reading.crops.is_empty())
    }

    /// Reads a picture: its lines in reading order.
    ///
    /// # Errors
    ///
    /// As [`TextReader::step`].
    pub fn read(&mut self, picture: &Picture) -> Result<Vec<Line>, Problem> {
        let mut reading = self.begin(picture)?;
        while self.step(&mut reading)? {}
        Ok(reading.into_lines())
    }
}

impl Reading {
    /// The lines that were read so far, in reading order.
    pub fn into_lines(mut self) -> Vec<Line> {
        sort_for_reading(&mut self.lines);
        self.lines
    }
}
