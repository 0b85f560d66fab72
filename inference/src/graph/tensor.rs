//! Values that flow through a graph.

use super::Fault;

/// Elements that one tensor may have: a gigabyte of floats. Shapes are computed by the graph itself, so a damaged one
/// could ask for anything.
const ELEMENT_LIMIT: usize = 1 << 28;

/// A dense, row-major tensor. A scalar has no dimensions and one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// The elements. Integers of every width, and truth values as 0 and 1, are held in 64 bits; 8-bit quantised values are
/// held as floats, which hold them and their products' sums exactly enough and multiply fast.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Real numbers, and quantised ones.
    Floats(Vec<f32>),
    /// Indices, shapes, truth values.
    Integers(Vec<i64>),
}

impl Tensor {
    /// A tensor of real numbers.
    ///
    /// # Errors
    ///
    /// When the number of elements is not what the shape says.
    pub fn floats(shape: Vec<usize>, values: Vec<f32>) -> Result<Self, Fault> {
        expect_elements(&shape, values.len())?;
        Ok(Self { shape, data: Data::Floats(values) })
    }

    /// A tensor of integers.
    ///
    /// # Errors
    ///
    /// When the number of elements is not what the shape says.
    pub fn integers(shape: Vec<usize>, values: Vec<i64>) -> Result<Self, Fault> {
        expect_elements(&shape, values.len())?;
        Ok(Self { shape, data: Data::Integers(values) })
    }

    /// A list of integers: a tensor of one dimension.
    pub fn list(values: Vec<i64>) -> Self {
        Self { shape: vec![values.len()], data: Data::Integers(values) }
    }

    /// One real number.
    pub fn scalar(value: f32) -> Self {
        Self { shape: Vec::new(), data: Data::Floats(vec![value]) }
    }

    /// Sizes, the slowest dimension first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Takes the elements out.
    pub fn into_data(self) -> Data {
        self.data
    }

    /// Elements altogether.
    pub fn elements(&self) -> usize {
        match &self.data {
            Data::Floats(values) => values.len(),
            Data::Integers(values) => values.len(),
        }
    }

    /// The elements as real numbers.
    ///
    /// # Errors
    ///
    /// When they are integers.
    pub fn as_floats(&self) -> Result<&[f32], Fault> {
        match &self.data {
            Data::Floats(values) => Ok(values),
            Data::Integers(_) => Err(Fault::new("integers stand where real numbers belong")),
        }
    }

    /// The elements as integers.
    ///
    /// # Errors
    ///
    /// When they are real numbers.
    pub fn as_integers(&self) -> Result<&[i64], Fault> {
        match &self.data {
            Data::Integers(values) => Ok(values),
            Data::Floats(_) => Err(Fault::new("real numbers stand where integers belong")),
        }
    }

    /// The only element of a tensor of integers.
    ///
    /// # Errors
    ///
    /// When there are more, or none, or real numbers.
    pub fn as_integer(&self) -> Result<i64, Fault> {
        match self.as_integers()? {
            [value] => Ok(*value),
            values => Err(Fault::new(format!("{} integers stand where one belongs", values.len()))),
        }
    }

    /// The only element of a tensor, whatever it is.
    ///
    /// # Errors
    ///
    /// When there are more, or none.
    pub fn as_number(&self) -> Result<f32, Fault> {
        match &self.data {
            Data::Floats(values) if values.len() == 1 => Ok(values[0]),
            Data::Integers(values) if values.len() == 1 => Ok(values[0] as f32),
            _ => Err(Fault::new(format!("{} numbers stand where one belongs", self.elements()))),
        }
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    ///
    /// When the shape has another number of elements.
    pub fn reshaped(self, shape: Vec<usize>) -> Result<Self, Fault> {
        expect_elements(&shape, self.elements())?;
        Ok(Self { shape, data: self.data })
    }
}

/// The number of elements of a shape.
///
/// # Errors
///
/// When there are more than a tensor may have.
pub fn elements_of(shape: &[usize]) -> Result<usize, Fault> {
    shape
        .iter()
        .try_fold(1usize, |product, size| product.checked_mul(*size))
        .filter(|elements| *elements <= ELEMENT_LIMIT)
        .ok_or_else(|| Fault::new(format!("a tensor of shape {shape:?} is too large")))
}

fn expect_elements(shape: &[usize], elements: usize) -> Result<(), Fault> {
    if elements_of(shape)? == elements {
        return Ok(());
    }
    Err(Fault::new(format!("{elements} elements do not make a tensor of shape {shape:?}")))
}

/// The dimension that `axis` names, which counts from the end when negative.
pub(super) fn axis_of(axis: i64, rank: usize) -> Result<usize, Fault> {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(from_start)
        .ok()
        .filter(|axis| *axis < rank)
        .ok_or_else(|| Fault::new(format!("there is no axis {axis} among {rank}")))
}

/// Steps between neighbours along each dimension of a row-major tensor.
pub(super) fn strides_of(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}
