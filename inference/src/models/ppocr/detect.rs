//! Finding lines: a picture to upright pictures of its lines.

use super::{
    Crop,
    geometry::{Point, ordered},
    regions::regions,
};
use crate::{
    graph::{Fault, Network, Run, Tensor},
    image::Picture,
    onnx::Model,
};

/// The longest side of what is looked at.
const LONGEST: usize = 2000;
/// The shortest side of what is looked at.
const SHORTEST: usize = 30;
/// Pictures that are as low as this, or wider by this factor than high, get black above and below.
const LOW: usize = 30;
const WIDE: f32 = 8.0;
/// The detector sees a picture whose shorter side is at least this.
const DETECTOR_SIDE: usize = 736;
/// Sizes are multiples of this.
const MULTIPLE: f32 = 32.0;
/// Crops that are higher by this factor than wide are turned.
const TALL: f32 = 1.5;

pub(super) struct Detector {
    network: Network,
    input: String,
}

/// A picture on its way through the detector.
pub(super) struct Detection {
    run: Run,
    /// The picture as lines are cut from it.
    picture: Picture,
    padding: usize,
    /// From its pixels to those of the file.
    ratio: [f32; 2],
    /// The size of the file's picture.
    size: [f32; 2],
}

/// A size scaled to a multiple, none where nothing is left.
fn scaled(width: usize, height: usize, ratio: f32) -> Option<(usize, usize)> {
    let side = |side: usize| {
        ((side as f32 * ratio).floor() / MULTIPLE).round_ties_even() as usize * MULTIPLE as usize
    };
    let (width, height) = (side(width), side(height));
    (width > 0 && height > 0).then_some((width, height))
}

impl Detector {
    pub(super) fn new(model: Model) -> Result<Self, Fault> {
        let network = Network::new(model.graph)?;
        let input =
            network.inputs().next().map(str::to_owned).ok_or_else(|| Fault::new("it has no input"))?;
        Ok(Self { network, input })
    }

    /// Brings a picture into the form that the detector takes; none where it is too thin to hold writing.
    pub(super) fn begin(&self, original: &Picture) -> Result<Option<Detection>, Fault> {
        let size = [original.width() as f32, original.height() as f32];
        let mut picture = original.clone();
        let longest = picture.width().max(picture.height());
        if longest > LONGEST {
            let ratio = LONGEST as f32 / longest as f32;
            let Some((width, height)) = scaled(picture.width(), picture.height(), ratio) else {
                return Ok(None);
            };
            picture = picture.scaled(width, height);
        }
        let shortest = picture.width().min(picture.height());
        if shortest < SHORTEST {
            let ratio = SHORTEST as f32 / shortest as f32;
            let Some((width, height)) = scaled(picture.width(), picture.height(), ratio) else {
                return Ok(None);
            };
            if width.max(height) > 4 * LONGEST {
                return Ok(None);
            }
            picture = picture.scaled(width, height);
        }
        let ratio = [size[0] / picture.width() as f32, size[1] / picture.height() as f32];
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let mut padding = 0;
        if picture.height() <= LOW || width / height > WIDE {
            let wanted = ((width / WIDE) as usize).max(LOW) * 2;
            padding = wanted.abs_diff(picture.height()) / 2;
            picture = picture.padded(padding);
        }
        let shortest = picture.width().min(picture.height());
        let factor = if shortest < DETECTOR_SIDE { DETECTOR_SIDE as f32 / shortest as f32 } else { 1.0 };
        let Some((width, height)) = scaled(picture.width(), picture.height(), factor) else {
            return Ok(None);
        };
        let mut planes = Vec::with_capacity(3 * width * height);
        // Blue first, as the networks were trained.
        picture.scaled(width, height).planes([2, 1, 0], [127.5; 3], [1.0 / 127.5; 3], &mut planes);
        let input = Tensor::floats(vec![1, 3, height, width], planes)?;
        let run = self.network.begin(vec![(&self.input, input)])?;
        Ok(Some(Detection { run, picture, padding, ratio, size }))
    }

    /// One step of the network; false once there was none left.
    pub(super) fn step(&mut self, detection: &mut Detection) -> Result<bool, Fault> {
        self.network.step(&mut detection.run)
    }

    /// The lines, in no order.
    pub(super) fn finish(&mut self, detection: Detection) -> Result<Vec<Crop>, Fault> {
        let Detection { run, picture, padding, ratio, size } = detection;
        let map =
            self.network.finish(run)?.into_iter().next().ok_or_else(|| Fault::new("it gives no map"))?;
        let [1, 1, height, width] = *map.shape() else {
            return Err(Fault::new(format!("it gives {:?} instead of a map", map.shape())));
        };
        let (own_width, own_height) = (picture.width() as f32, picture.height() as f32);
        let scale = [own_width / width as f32, own_height / height as f32];
        let mut boxes: Vec<[Point; 4]> = Vec::new();
        for corners in regions(map.as_floats()?, width) {
            let corners = ordered(corners.map(|[x, y]| {
                [(x * scale[0]).round().clamp(0.0, own_width), (y * scale[1]).round().clamp(0.0, own_height)]
            }));
            let corners = corners.map(|[x, y]| [x.min(own_width - 1.0), y.min(own_height - 1.0)]);
            if distance(corners[0], corners[1]) >= 4.0 && distance(corners[0], corners[3]) >= 4.0 {
                boxes.push(corners);
            }
        }
        self.network.recycle(map);
        let crops = boxes.into_iter().filter_map(|corners| {
            let picture = cut(&picture, corners)?;
            let corners = corners.map(|[x, y]| {
                [(x * ratio[0]).clamp(0.0, size[0]), ((y - padding as f32) * ratio[1]).clamp(0.0, size[1])]
            });
            Some(Crop { picture, corners })
        });
        Ok(crops.collect())
    }
}

fn distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// An upright picture of what lies within the corners; tall ones are turned so that their writing lies.
fn cut(picture: &Picture, corners: [Point; 4]) -> Option<Picture> {
    let width = distance(corners[0], corners[1]).max(distance(corners[2], corners[3])) as usize;
    let height = distance(corners[0], corners[3]).max(distance(corners[1], corners[2])) as usize;
    let upright = picture.upright(corners, width, height)?;
    Some(if height as f32 >= TALL * width as f32 { upright.turned_left() } else { upright })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_multiples_and_never_nothing() {
        assert_eq!(scaled(640, 480, 736.0 / 480.0), Some((992, 736)));
        assert_eq!(scaled(2000, 3, 1.0), None);
    }

    #[test]
    fn tall_lines_are_turned() {
        let picture = Picture::filled(100, 100, [7; 3]);
        let tall = cut(&picture, [[10.0, 10.0], [30.0, 10.0], [30.0, 90.0], [10.0, 90.0]])
            .expect("it is a rectangle");
        assert_eq!((tall.width(), tall.height()), (80, 20));
    }
}
