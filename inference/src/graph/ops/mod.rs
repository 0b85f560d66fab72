//! Operators, a file a kind. To add one: a struct that reads its settings and runs, a variant of [`Operator`], and
//! ONNX's name of it in [`Operator::read`].

mod broadcast;
mod conv;
mod elementwise;
mod join;
mod layout;
mod make;
mod normalise;
mod pick;
mod pool;
mod product;
mod quantise;
mod reduce;
mod resize;
mod window;

pub(super) use conv::{Convolution, TransposedConvolution};
pub(super) use elementwise::{Binary, Function, clip_between};
pub(super) use normalise::{BatchNormalization, LayerNormalization};
pub(super) use product::Product;
pub(super) use quantise::IntegerProduct;
pub(super) use reduce::{Fold, Reduction};

use super::{Fault, Node, Tensor, pool::Pool};
use crate::kernels::{Level, Packed};

/// What an operator works with besides its inputs.
pub(super) struct Context<'a> {
    pub(super) level: Level,
    pub(super) pool: &'a mut Pool,
    /// Memory of one operator that means nothing to the next.
    pub(super) scratch: &'a mut Vec<f32>,
    /// Room for a matrix in the form that the kernels multiply with.
    pub(super) packed: &'a mut Packed,
}

/// One input of an operator.
pub(super) enum Input<'a> {
    /// Left out.
    Missing,
    /// Needed by others too.
    Borrowed(&'a Tensor),
    /// Not needed by anybody else any more: the operator may write into it.
    Owned(Tensor),
}

/// The inputs of an operator.
pub(super) struct Inputs<'a>(pub(super) Vec<Input<'a>>);

impl Inputs<'_> {
    /// One that must be there.
    pub(super) fn get(&self, index: usize) -> Result<&Tensor, Fault> {
        self.optional(index).ok_or_else(|| missing(index))
    }

    /// One that may be left out.
    pub(super) fn optional(&self, index: usize) -> Option<&Tensor> {
        match self.0.get(index) {
            Some(Input::Borrowed(tensor)) => Some(tensor),
            Some(Input::Owned(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// How many there are, those left out in between included.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether it may be written into.
    pub(super) fn is_owned(&self, index: usize) -> bool {
        matches!(self.0.get(index), Some(Input::Owned(_)))
    }

    /// One to write into: itself where nobody else needs it, else a copy.
    pub(super) fn take(&mut self, index: usize, pool: &mut Pool) -> Result<Tensor, Fault> {
        let slot = self.0.get_mut(index).ok_or_else(|| missing(index))?;
        match std::mem::replace(slot, Input::Missing) {
            Input::Missing => Err(missing(index)),
            Input::Owned(tensor) => Ok(tensor),
            Input::Borrowed(tensor) => {
                *slot = Input::Borrowed(tensor);
                match tensor.as_floats() {
                    Ok(values) => pool.floats(tensor.shape().to_vec(), |copy| {
                        copy.copy_from_slice(values);
                        Ok(())
                    }),
                    Err(_) => Ok(tensor.clone()),
                }
            }
        }
    }
}

fn missing(index: usize) -> Fault {
    Fault::new(format!("input {index} is missing"))
}

macro_rules! operators {
    ($($variant:ident($kind:ty) $run:ident),* $(,)?) => {
        /// What a step computes.
        #[derive(Debug)]
        pub(super) enum Operator { $(#[allow(missing_docs)] $variant($kind)),* }

        impl Operator {
            /// Computes the outputs from the inputs.
            pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
                match self { $(Self::$variant(operator) => operator.$run(inputs, context)),* }
            }
        }
    };
}

operators! {
    ArgMax(reduce::ArgMax) run,
    BatchNormalization(normalise::BatchNormalization) run,
    Binary(elementwise::Binary) run,
    Cast(elementwise::Cast) run,
    Clip(elementwise::Clip) run,
    Compare(elementwise::Compare) run,
    Concat(join::Concat) run,
    Constant(make::Constant) run,
    ConstantOfShape(make::ConstantOfShape) run,
    Convolution(conv::Convolution) run,
    CumulativeSum(reduce::CumulativeSum) run,
    DynamicQuantize(quantise::DynamicQuantize) run,
    Expand(layout::Expand) run,
    Flatten(layout::Flatten) run,
    Function(elementwise::Function) run,
    Gather(pick::Gather) run,
    IntegerProduct(quantise::IntegerProduct) run,
    LayerNormalization(normalise::LayerNormalization) run,
    Pad(layout::Pad) run,
    Pool(pool::Pooling) run,
    Product(product::Product) run,
    Range(make::Range) run,
    Reduction(reduce::Reduction) run,
    Reshape(layout::Reshape) run,
    Resize(resize::Resize) run,
    Shape(layout::Shape) run,
    Slice(pick::Slice) run,
    Softmax(normalise::Softmax) run,
    Split(pick::Split) run,
    Squeeze(layout::Squeeze) run,
    Tile(layout::Tile) run,
    Transpose(layout::Transpose) run,
    TransposedConvolution(conv::TransposedConvolution) run,
    Unsqueeze(layout::Unsqueeze) run,
    Where(elementwise::Where) run,
}

impl Operator {
    /// The operator that a node of an ONNX graph names.
    pub(super) fn read(node: &Node, opset: i64) -> Result<Self, Fault> {
        if let Some(function) = Function::read(node, opset)? {
            return Ok(Self::Function(function));
        }
        if let Some(binary) = Binary::read(node) {
            return Ok(Self::Binary(binary));
        }
        if let Some(compare) = elementwise::Compare::read(node) {
            return Ok(Self::Compare(compare));
        }
        if let Some(reduction) = Reduction::read(node)? {
            return Ok(Self::Reduction(reduction));
        }
        let attributes = &node.attributes;
        Ok(match node.kind.as_str() {
            "ArgMax" => Self::ArgMax(reduce::ArgMax::read(attributes)?),
            "AveragePool" | "MaxPool" => Self::Pool(pool::Pooling::read(node)?),
            "BatchNormalization" => Self::BatchNormalization(BatchNormalization::read(attributes)?),
            "Cast" => Self::Cast(elementwise::Cast::read(attributes)?),
            "Clip" => Self::Clip(elementwise::Clip::read(attributes)?),
            "Concat" => Self::Concat(join::Concat::read(attributes)?),
            "Constant" => Self::Constant(make::Constant::read(attributes)?),
            "ConstantOfShape" => Self::ConstantOfShape(make::ConstantOfShape::read(attributes)?),
            "Conv" => Self::Convolution(Convolution::read(attributes)?),
            "ConvTranspose" => Self::TransposedConvolution(TransposedConvolution::read(attributes)?),
            "CumSum" => Self::CumulativeSum(reduce::CumulativeSum::read(attributes)?),
            "DynamicQuantizeLinear" => Self::DynamicQuantize(quantise::DynamicQuantize),
            "Expand" => Self::Expand(layout::Expand),
            "Flatten" => Self::Flatten(layout::Flatten::read(attributes)?),
            "Gather" => Self::Gather(pick::Gather::read(attributes)?),
            "Gemm" => Self::Product(Product::read_gemm(attributes)?),
            "LayerNormalization" => Self::LayerNormalization(LayerNormalization::read(attributes)?),
            "MatMul" => Self::Product(Product::default()),
            "MatMulInteger" => Self::IntegerProduct(IntegerProduct::default()),
            "Pad" => Self::Pad(layout::Pad::read(attributes)?),
            "Range" => Self::Range(make::Range),
            "Reshape" => Self::Reshape(layout::Reshape::read(attributes)?),
            "Resize" | "Upsample" => Self::Resize(resize::Resize::read(node)?),
            "Shape" => Self::Shape(layout::Shape::read(attributes)?),
            "Slice" => Self::Slice(pick::Slice::read(attributes)?),
            "Softmax" => Self::Softmax(normalise::Softmax::read(attributes, opset)?),
            "Split" => Self::Split(pick::Split::read(node)?),
            "Squeeze" => Self::Squeeze(layout::Squeeze::read(attributes)?),
            "Tile" => Self::Tile(layout::Tile),
            "Transpose" => Self::Transpose(layout::Transpose::read(attributes)?),
            "Unsqueeze" => Self::Unsqueeze(layout::Unsqueeze::read(attributes)?),
            "Where" => Self::Where(elementwise::Where),
            unknown => {
                return Err(Fault::new(format!("it uses the operator {unknown}, which is not supported")));
            }
        })
    }
}
