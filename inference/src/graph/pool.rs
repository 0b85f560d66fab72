//! Memory that one operator leaves to the next.

use super::{Data, Fault, Tensor, tensor::elements_of};

/// Buffers that are kept for later.
const KEPT: usize = 24;

/// Buffers that are free. What a graph needs at a time is a small part of what it computes altogether; after the first
/// run of a shape hardly anything is asked of the system any more.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Vec<Vec<f32>>,
}

impl Pool {
    /// A buffer of so many elements, whatever they are.
    pub(super) fn take(&mut self, elements: usize) -> Vec<f32> {
        let fitting = (0..self.free.len())
            .filter(|index| self.free[*index].capacity() >= elements)
            .min_by_key(|index| self.free[*index].capacity());
        match fitting {
            // A much too large buffer is left to a larger tensor.
            Some(index) if self.free[index].capacity() / 8 <= elements => {
                let mut buffer = self.free.swap_remove(index);
                // Only what the buffer never held is set to zero.
                buffer.resize(elements, 0.0);
                buffer
            }
            _ => vec![0.0; elements],
        }
    }

    /// A tensor of that shape whose elements are yet to be computed.
    pub(super) fn floats(
        &mut self,
        shape: Vec<usize>,
        fill: impl FnOnce(&mut [f32]) -> Result<(), Fault>,
    ) -> Result<Tensor, Fault> {
        let mut values = self.take(elements_of(&shape)?);
        fill(&mut values)?;
        Tensor::floats(shape, values)
    }

    /// Takes back what is not needed any more.
    pub(super) fn give(&mut self, tensor: Tensor) {
        if let Data::Floats(values) = tensor.into_data() {
            self.give_buffer(values);
        }
    }

    /// Takes back a buffer.
    pub(super) fn give_buffer(&mut self, values: Vec<f32>) {
        if values.capacity() == 0 {
            return;
        }
        if self.free.len() == KEPT {
            let smallest = (0..KEPT).min_by_key(|index| self.free[*index].capacity());
            if let Some(index) = smallest {
                self.free.swap_remove(index);
            }
        }
        self.free.push(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_given_back_is_used_again() {
        let mut pool = Pool::default();
        let first = pool.take(1000);
        let place = first.as_ptr();
        pool.give_buffer(first);
        let second = pool.take(900);
        assert_eq!((second.as_ptr(), second.len()), (place, 900));
        pool.give_buffer(second);
        let small = pool.take(20);
        assert_ne!(small.as_ptr(), place, "a large buffer is kept for large tensors");
    }
}
