//! Shapes that are stretched to meet each other.

use crate::graph::{Fault, tensor::strides_of};

/// The shape of a result of two inputs.
pub(super) fn common_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Fault> {
    let rank = a.len().max(b.len());
    (0..rank)
        .map(|axis| {
            let size = |shape: &[usize]| (axis + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
            match (size(a), size(b)) {
                (x, y) if x == y => Ok(x),
                (1, y) => Ok(y),
                (x, 1) => Ok(x),
                _ => Err(Fault::new(format!("shapes {a:?} and {b:?} do not fit"))),
            }
        })
        .collect()
}

/// Steps of an input along each dimension of the result; none along those that it is stretched over.
pub(super) fn steps(input: &[usize], result: &[usize]) -> Result<Vec<usize>, Fault> {
    let missing = result
        .len()
        .checked_sub(input.len())
        .ok_or_else(|| Fault::new(format!("shape {input:?} does not stretch to {result:?}")))?;
    let strides = strides_of(input);
    let mut steps = vec![0; result.len()];
    for (axis, size) in input.iter().enumerate() {
        match *size {
            size if size == result[missing + axis] => steps[missing + axis] = strides[axis],
            1 => {}
            _ => return Err(Fault::new(format!("shape {input:?} does not stretch to {result:?}"))),
        }
    }
    Ok(steps)
}

/// Walks over positions of `shape` in row-major order, with the offset that `steps` lead to.
pub(super) fn offsets(shape: &[usize], steps: &[usize]) -> Offsets {
    let left = shape.iter().product();
    Offsets { at: vec![0; shape.len()], shape: shape.to_vec(), steps: steps.to_vec(), offset: 0, left }
}

/// See [`offsets`].
pub(super) struct Offsets {
    shape: Vec<usize>,
    steps: Vec<usize>,
    at: Vec<usize>,
    offset: usize,
    left: usize,
}

impl Iterator for Offsets {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let offset = self.offset;
        for axis in (0..self.shape.len()).rev() {
            self.at[axis] += 1;
            self.offset += self.steps[axis];
            if self.at[axis] < self.shape[axis] {
                break;
            }
            self.offset -= self.steps[axis] * self.shape[axis];
            self.at[axis] = 0;
        }
        Some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_meet_as_they_do_in_numpy() {
        assert_eq!(common_shape(&[2, 1, 4], &[3, 1]), Ok(vec![2, 3, 4]));
        assert_eq!(common_shape(&[], &[5]), Ok(vec![5]));
        assert!(common_shape(&[2, 3], &[2]).is_err());
        let steps = steps(&[3, 1], &[2, 3, 2]).expect("it stretches");
        let walked: Vec<usize> = offsets(&[2, 3, 2], &steps).collect();
        assert_eq!(walked, [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
        assert_eq!(offsets(&[], &[]).count(), 1);
        assert_eq!(offsets(&[3, 0], &[1, 1]).count(), 0);
    }
}
