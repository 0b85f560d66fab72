//! Operators that make tensors out of numbers.

use super::{Context, Inputs, layout::sizes_of};
use crate::graph::{Attribute, Attributes, Data, Fault, Tensor, elements_of};

/// `Constant`.
#[derive(Debug)]
pub(in crate::graph) struct Constant(Tensor);

impl Constant {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        let attributes = &attributes.0;
        let value = |name: &str| attributes.get(name);
        if let Some(Attribute::Tensor(tensor)) = value("value") {
            return Ok(Self(tensor.clone()));
        }
        if let Some(Attribute::Float(number)) = value("value_float") {
            return Ok(Self(Tensor::scalar(*number)));
        }
        if let Some(Attribute::Floats(numbers)) = value("value_floats") {
            return Ok(Self(Tensor::floats(vec![numbers.len()], numbers.clone())?));
        }
        if let Some(Attribute::Integer(number)) = value("value_int") {
            return Ok(Self(Tensor::integers(Vec::new(), vec![*number])?));
        }
        if let Some(Attribute::Integers(numbers)) = value("value_ints") {
            return Ok(Self(Tensor::list(numbers.clone())));
        }
        Err(Fault::new("a constant of this kind is not supported"))
    }

    pub(super) fn run(&self, _: &mut Inputs, _: &mut Context) -> Result<Vec<Tensor>, Fault> {
        Ok(vec![self.0.clone()])
    }
}

/// `ConstantOfShape`.
#[derive(Debug)]
pub(in crate::graph) struct ConstantOfShape(Tensor);

impl ConstantOfShape {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        match attributes.0.get("value") {
            None => Ok(Self(Tensor::floats(vec![1], vec![0.0])?)),
            Some(Attribute::Tensor(tensor)) if tensor.elements() == 1 => Ok(Self(tensor.clone())),
            Some(_) => Err(Fault::new("the value to fill with is not one number")),
        }
    }

    pub(super) fn run(&self, inputs: &mut Inputs, _: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let shape = sizes_of(inputs.get(0)?)?;
        let elements = elements_of(&shape)?;
        Ok(vec![match self.0.data() {
            Data::Floats(values) => Tensor::floats(shape, vec![values[0]; elements])?,
            Data::Integers(values) => Tensor::integers(shape, vec![values[0]; elements])?,
        }])
    }
}

/// `Range`.
#[derive(Debug)]
pub(in crate::graph) struct Range;

impl Range {
    pub(super) fn run(&self, inputs: &mut Inputs, _: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (start, limit, step) = (inputs.get(0)?, inputs.get(1)?, inputs.get(2)?);
        let wrong = || Fault::new("a range has no end");
        if let Data::Integers(_) = start.data() {
            let (start, limit, step) = (start.as_integer()?, limit.as_integer()?, step.as_integer()?);
            let distance = limit.checked_sub(start).ok_or_else(wrong)?;
            let whole = distance.checked_div(step).ok_or_else(wrong)?;
            let count = whole + i64::from(whole >= 0 && distance % step != 0);
            let count = elements_of(&[count.max(0) as usize])?;
            return Ok(vec![Tensor::list((0..count as i64).map(|i| start + i * step).collect())]);
        }
        let (start, limit, step) = (start.as_number()?, limit.as_number()?, step.as_number()?);
        let count = ((limit - start) / step).ceil().max(0.0);
        if !count.is_finite() || step == 0.0 {
            return Err(wrong());
        }
        let count = elements_of(&[count as usize])?;
        Ok(vec![Tensor::floats(vec![count], (0..count).map(|i| start + i as f32 * step).collect())?])
    }
}
