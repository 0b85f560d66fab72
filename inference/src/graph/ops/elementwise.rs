//! Operators that treat every element alike: functions of one, two or three inputs, comparisons, conversions.

use super::{
    Context, Inputs,
    broadcast::{common_shape, offsets, steps},
};
use crate::{
    graph::{Attributes, Data, Fault, Node, Tensor},
    kernels::{Level, Pairwise, Pointwise, apply, combine, combine_with},
};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::graph) enum Function {
    /// One that the kernels know.
    Fast(Pointwise),
    /// |x|.
    Abs,
    /// The next whole number up.
    Ceil,
    /// The cosine.
    Cos,
    /// The next whole number down.
    Floor,
    /// The natural logarithm.
    Log,
    /// -x.
    Negate,
    /// 0 becomes 1, everything else 0.
    Not,
    /// 1/x.
    Reciprocal,
    /// The nearest whole number, the even one of two.
    Round,
    /// The sine.
    Sin,
    /// ln(1 + e^x).
    Softplus,
    /// The square root.
    Sqrt,
}

impl Function {
    /// The function of that name, if there is one.
    pub(super) fn read(node: &Node, opset: i64) -> Result<Option<Self>, Fault> {
        let attributes = &node.attributes;
        Ok(Some(match node.kind.as_str() {
            "Abs" => Self::Abs,
            "Ceil" => Self::Ceil,
            "Cos" => Self::Cos,
            "Erf" => Self::Fast(Pointwise::Erf),
            "Exp" => Self::Fast(Pointwise::Exp),
            "Floor" => Self::Floor,
            "Gelu" if attributes.text("approximate", "none")? == "none" => Self::Fast(Pointwise::Gelu),
            "HardSigmoid" => Self::Fast(Pointwise::HardSigmoid {
                slope: attributes.float("alpha", 0.2)?,
                offset: attributes.float("beta", 0.5)?,
            }),
            "HardSwish" => Self::Fast(Pointwise::HardSwish),
            "LeakyRelu" => Self::Fast(Pointwise::Leaky(attributes.float("alpha", 0.01)?)),
            "Log" => Self::Log,
            "Neg" => Self::Negate,
            "Not" => Self::Not,
            "Reciprocal" => Self::Reciprocal,
            "Relu" => Self::Fast(Pointwise::Relu),
            "Round" => Self::Round,
            "Sigmoid" => Self::Fast(Pointwise::Sigmoid),
            "Sin" => Self::Sin,
            "Softplus" => Self::Softplus,
            "Sqrt" => Self::Sqrt,
            "Tanh" => Self::Fast(Pointwise::Tanh),
            // Before version 11 the bounds are settings.
            "Clip" if opset < 11 => Self::Fast(Pointwise::Clip {
                low: attributes.float("min", f32::MIN)?,
                high: attributes.float("max", f32::MAX)?,
            }),
            _ => return Ok(None),
        }))
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.take(0, context.pool)?;
        let shape = x.shape().to_vec();
        let out = match x.into_data() {
            Data::Floats(mut values) => {
                self.apply(context.level, &mut values)?;
                Tensor::floats(shape, values)?
            }
            Data::Integers(mut values) => {
                let of: fn(i64) -> i64 = match self {
                    Self::Abs => i64::wrapping_abs,
                    Self::Negate => i64::wrapping_neg,
                    Self::Not => |x| i64::from(x == 0),
                    Self::Fast(Pointwise::Relu) => |x| x.max(0),
                    _ => return Err(Fault::new("this function takes no integers")),
                };
                values.iter_mut().for_each(|x| *x = of(*x));
                Tensor::integers(shape, values)?
            }
        };
        Ok(vec![out])
    }

    fn apply(self, level: Level, values: &mut [f32]) -> Result<(), Fault> {
        let of: fn(f32) -> f32 = match self {
            Self::Fast(function) => {
                apply(level, function, values);
                return Ok(());
            }
            Self::Abs => f32::abs,
            Self::Ceil => f32::ceil,
            Self::Cos => f32::cos,
            Self::Floor => f32::floor,
            Self::Log => f32::ln,
            Self::Negate => |x| -x,
            Self::Not => return Err(Fault::new("real numbers stand where truth values belong")),
            Self::Reciprocal => f32::recip,
            Self::Round => f32::round_ties_even,
            Self::Sin => f32::sin,
            Self::Softplus => |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Sqrt => f32::sqrt,
        };
        values.iter_mut().for_each(|x| *x = of(*x));
        Ok(())
    }
}

/// A function of two inputs that are stretched to meet each other; of more, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph) struct Binary(pub(in crate::graph) Pairwise);

impl Binary {
    /// The function of that name, if there is one.
    pub(super) fn read(node: &Node) -> Option<Self> {
        Some(Self(match node.kind.as_str() {
            "Add" | "Sum" => Pairwise::Add,
            "Sub" => Pairwise::Subtract,
            "Mul" => Pairwise::Multiply,
            "Div" => Pairwise::Divide,
            "Max" => Pairwise::Max,
            "Min" => Pairwise::Min,
            "Pow" => Pairwise::Power,
            _ => return None,
        }))
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let mut result = self.pair(inputs, 0, 1, context)?;
        for index in 2..inputs.count() {
            let so_far = result;
            let next = inputs.get(index)?;
            result = both(self.0, so_far, next, context)?;
        }
        Ok(vec![result])
    }

    fn pair(&self, inputs: &mut Inputs, a: usize, b: usize, context: &mut Context) -> Result<Tensor, Fault> {
        if inputs.count() == 1 {
            return inputs.take(0, context.pool);
        }
        let shape = common_shape(inputs.get(a)?.shape(), inputs.get(b)?.shape())?;
        // The result is written into the side that has its shape, best into one that nobody else needs.
        let fits = |i: usize| inputs.optional(i).is_some_and(|side| side.shape() == shape);
        let swap = fits(b) && (!fits(a) || inputs.is_owned(b) && !inputs.is_owned(a));
        let (a, b, f) = if swap { (b, a, self.0.flipped()) } else { (a, b, self.0) };
        let side = inputs.take(a, context.pool)?;
        both(f, side, inputs.get(b)?, context)
    }
}

/// `f(a, b)`, in the memory of `a` where it has the shape of the result.
fn both(f: Pairwise, a: Tensor, b: &Tensor, context: &mut Context) -> Result<Tensor, Fault> {
    let shape = common_shape(a.shape(), b.shape())?;
    let a = if a.shape() == shape { a } else { stretch(a, &shape, context)? };
    match (a.into_data(), b.data()) {
        (Data::Floats(mut values), Data::Floats(other)) => {
            over_rows(context.level, f, &mut values, &shape, other, b.shape())?;
            Tensor::floats(shape, values)
        }
        (Data::Integers(mut values), Data::Integers(other)) => {
            let of = integer_function(f)?;
            for (a, b) in values.iter_mut().zip(offsets(&shape, &steps(b.shape(), &shape)?)) {
                *a = of(*a, other[b])
                    .ok_or_else(|| Fault::new("a division by zero or a number that is too large"))?;
            }
            Tensor::integers(shape, values)
        }
        _ => Err(Fault::new("integers and real numbers are mixed")),
    }
}

/// A tensor repeated along the dimensions in which it has one element.
pub(super) fn stretch(from: Tensor, shape: &[usize], context: &mut Context) -> Result<Tensor, Fault> {
    let steps = steps(from.shape(), shape)?;
    let stretched = match from.data() {
        Data::Floats(values) => context.pool.floats(shape.to_vec(), |out| {
            out.iter_mut().zip(offsets(shape, &steps)).for_each(|(out, at)| *out = values[at]);
            Ok(())
        })?,
        Data::Integers(values) => {
            crate::graph::elements_of(shape)?;
            Tensor::integers(shape.to_vec(), offsets(shape, &steps).map(|at| values[at]).collect())?
        }
    };
    context.pool.give(from);
    Ok(stretched)
}

/// Rows as long as `b` is either contiguous or one number, each of them one call of a kernel.
fn over_rows(
    level: Level,
    f: Pairwise,
    a: &mut [f32],
    shape: &[usize],
    b: &[f32],
    b_shape: &[usize],
) -> Result<(), Fault> {
    let steps = steps(b_shape, shape)?;
    let mut inner = 1;
    let mut outer = shape.len();
    let is_row = match shape.iter().rposition(|size| *size != 1) {
        None => false,
        Some(last) => steps[last] != 0,
    };
    for axis in (0..shape.len()).rev() {
        let goes_on = shape[axis] == 1 || if is_row { steps[axis] == inner } else { steps[axis] == 0 };
        if !goes_on {
            break;
        }
        inner *= shape[axis];
        outer = axis;
    }
    if inner == 0 {
        return Ok(());
    }
    for (row, at) in a.chunks_exact_mut(inner).zip(offsets(&shape[..outer], &steps[..outer])) {
        if is_row {
            combine(level, f, row, &b[at..at + inner]);
        } else {
            combine_with(level, f, row, b[at]);
        }
    }
    Ok(())
}

/// A function of two integers; none where it has no result.
type OfIntegers = fn(i64, i64) -> Option<i64>;

fn integer_function(f: Pairwise) -> Result<OfIntegers, Fault> {
    Ok(match f {
        Pairwise::Add => i64::checked_add,
        Pairwise::Subtract => i64::checked_sub,
        Pairwise::SubtractFrom => |a, b| b.checked_sub(a),
        Pairwise::Multiply => i64::checked_mul,
        Pairwise::Divide => i64::checked_div,
        Pairwise::DivideFrom => |a, b| b.checked_div(a),
        Pairwise::Max => |a, b| Some(a.max(b)),
        Pairwise::Min => |a, b| Some(a.min(b)),
        Pairwise::Power | Pairwise::PowerOf => {
            return Err(Fault::new("powers of integers are not supported"));
        }
    })
}

/// A comparison or a connection of truth values; results in 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph) enum Compare {
    /// a = b.
    Equal,
    /// a > b.
    Greater,
    /// a ≥ b.
    GreaterOrEqual,
    /// a < b.
    Less,
    /// a ≤ b.
    LessOrEqual,
    /// Both.
    And,
    /// One of them or both.
    Or,
}

impl Compare {
    pub(super) fn read(node: &Node) -> Option<Self> {
        Some(match node.kind.as_str() {
            "Equal" => Self::Equal,
            "Greater" => Self::Greater,
            "GreaterOrEqual" => Self::GreaterOrEqual,
            "Less" => Self::Less,
            "LessOrEqual" => Self::LessOrEqual,
            "And" => Self::And,
            "Or" => Self::Or,
            _ => return None,
        })
    }

    fn of<T: PartialOrd + Default>(self, a: &T, b: &T) -> bool {
        let zero = T::default();
        match self {
            Self::Equal => a == b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::And => *a != zero && *b != zero,
            Self::Or => *a != zero || *b != zero,
        }
    }

    pub(super) fn run(&self, inputs: &mut Inputs, _: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (a, b) = (inputs.get(0)?, inputs.get(1)?);
        let shape = common_shape(a.shape(), b.shape())?;
        crate::graph::elements_of(&shape)?;
        let pairs =
            offsets(&shape, &steps(a.shape(), &shape)?).zip(offsets(&shape, &steps(b.shape(), &shape)?));
        let values = match (a.data(), b.data()) {
            (Data::Floats(a), Data::Floats(b)) => {
                pairs.map(|(i, j)| i64::from(self.of(&a[i], &b[j]))).collect()
            }
            (Data::Integers(a), Data::Integers(b)) => {
                pairs.map(|(i, j)| i64::from(self.of(&a[i], &b[j]))).collect()
            }
            _ => return Err(Fault::new("integers and real numbers are compared")),
        };
        Ok(vec![Tensor::integers(shape, values)?])
    }
}

/// `Where`: from the second input where the first is true, else from the third.
#[derive(Debug)]
pub(in crate::graph) struct Where;

impl Where {
    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (condition, yes, no) = (inputs.get(0)?, inputs.get(1)?, inputs.get(2)?);
        let shape = common_shape(&common_shape(condition.shape(), yes.shape())?, no.shape())?;
        crate::graph::elements_of(&shape)?;
        let walk = |tensor: &Tensor| Ok::<_, Fault>(offsets(&shape, &steps(tensor.shape(), &shape)?));
        let sides = walk(yes)?.zip(walk(no)?);
        let condition = walk(condition)?.zip(sides).map({
            let truth = condition.as_integers()?;
            move |(at, sides)| (truth[at] != 0, sides)
        });
        let out = match (yes.data(), no.data()) {
            (Data::Floats(yes), Data::Floats(no)) => context.pool.floats(shape.clone(), |out| {
                out.iter_mut()
                    .zip(condition)
                    .for_each(|(out, (is, (i, j)))| *out = if is { yes[i] } else { no[j] });
                Ok(())
            })?,
            (Data::Integers(yes), Data::Integers(no)) => Tensor::integers(
                shape.clone(),
                condition.map(|(is, (i, j))| if is { yes[i] } else { no[j] }).collect(),
            )?,
            _ => return Err(Fault::new("integers and real numbers are mixed")),
        };
        Ok(vec![out])
    }
}

/// Two bounds as a function; one that is left out does not bound.
pub(in crate::graph) fn clip_between(
    low: Option<&Tensor>,
    high: Option<&Tensor>,
) -> Result<Pointwise, Fault> {
    let low = low.map(Tensor::as_number).transpose()?.unwrap_or(f32::MIN);
    let high = high.map(Tensor::as_number).transpose()?.unwrap_or(f32::MAX);
    Ok(Pointwise::Clip { low, high })
}

/// `Clip` with bounds that are inputs.
#[derive(Debug)]
pub(in crate::graph) struct Clip;

impl Clip {
    pub(super) fn read(_: &Attributes) -> Result<Self, Fault> {
        Ok(Self)
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.take(0, context.pool)?;
        let shape = x.shape().to_vec();
        Ok(vec![match x.into_data() {
            Data::Floats(mut values) => {
                apply(context.level, clip_between(inputs.optional(1), inputs.optional(2))?, &mut values);
                Tensor::floats(shape, values)?
            }
            Data::Integers(mut values) => {
                let low = inputs.optional(1).map(Tensor::as_integer).transpose()?.unwrap_or(i64::MIN);
                let high = inputs.optional(2).map(Tensor::as_integer).transpose()?.unwrap_or(i64::MAX);
                values.iter_mut().for_each(|x| *x = (*x).max(low).min(high));
                Tensor::integers(shape, values)?
            }
        }])
    }
}

/// `Cast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph) enum Cast {
    /// To real numbers.
    Floats,
    /// To 8-bit integers, which are held as real numbers.
    Bytes,
    /// To integers.
    Integers,
    /// To truth values.
    Truths,
}

impl Cast {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        // The numbers of TensorProto.DataType.
        Ok(match attributes.integer("to", 0)? {
            1 | 10 | 11 | 16 => Self::Floats,
            2 | 3 => Self::Bytes,
            6 | 7 => Self::Integers,
            9 => Self::Truths,
            other => return Err(Fault::new(format!("elements of type {other} are not supported"))),
        })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.take(0, context.pool)?;
        let shape = x.shape().to_vec();
        let out = match (self, x.into_data()) {
            (Self::Floats, Data::Floats(values)) => Tensor::floats(shape, values)?,
            (Self::Bytes, Data::Floats(values)) => {
                Tensor::floats(shape, values.into_iter().map(f32::trunc).collect())?
            }
            (Self::Floats | Self::Bytes, Data::Integers(values)) => {
                Tensor::floats(shape, values.into_iter().map(|x| x as f32).collect())?
            }
            (Self::Integers, Data::Floats(values)) => {
                Tensor::integers(shape, values.into_iter().map(|x| x as i64).collect())?
            }
            (Self::Integers, Data::Integers(values)) => Tensor::integers(shape, values)?,
            (Self::Truths, Data::Floats(values)) => {
                Tensor::integers(shape, values.into_iter().map(|x| i64::from(x != 0.0)).collect())?
            }
            (Self::Truths, Data::Integers(values)) => {
                Tensor::integers(shape, values.into_iter().map(|x| i64::from(x != 0)).collect())?
            }
        };
        Ok(vec![out])
    }
}
