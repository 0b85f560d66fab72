//! Computes graphs of operators on the CPU: convolutional networks and small transformers as files describe them.
//!
//! [`Graph`] is a description, read by [`crate::onnx`] or made by a model's own code. [`Network`] is the same prepared:
//! what depends on weights alone is computed once, what belongs together is one step, matrices lie as the kernels want
//! them, and it is known after which step each value is not needed any more, so that its memory goes to the next one.
//!
//! Shapes are found while it runs: one network takes images of every size. Operators are in `ops`, a file a kind.

mod compile;
mod description;
mod fault;
mod fuse;
mod ops;
mod pool;
mod tensor;
#[cfg(test)]
mod tests;

pub use description::{Attribute, Attributes, Graph, Node};
pub use fault::Fault;
pub use tensor::{Data, Tensor, elements_of};

use ops::{Context, Input, Inputs, Operator};
use pool::Pool;

use crate::kernels::{Level, Packed};

/// What a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    /// Nothing: an input that was left out.
    Missing,
    /// A weight.
    Constant(usize),
    /// Something that is computed at each run.
    Value(usize),
}

/// One operator at its place.
#[derive(Debug)]
struct Step {
    /// For messages.
    name: String,
    operator: Operator,
    inputs: Vec<Operand>,
    outputs: Vec<usize>,
}

/// A graph that is ready to compute.
#[derive(Debug)]
pub struct Network {
    steps: Vec<Step>,
    constants: Vec<Option<Tensor>>,
    inputs: Vec<(String, usize)>,
    outputs: Vec<(String, Operand)>,
    /// How often each value is read, results of the graph once more.
    uses: Vec<u32>,
    level: Level,
    pool: Pool,
    scratch: Vec<f32>,
    packed: Packed,
}

/// A run that has begun: what was computed and is still needed.
#[derive(Debug)]
pub struct Run {
    values: Vec<Option<Tensor>>,
    left: Vec<u32>,
    next: usize,
}

impl Network {
    /// Prepares a graph.
    ///
    /// # Errors
    ///
    /// When it uses an operator that is not supported, which is named, or is no graph.
    pub fn new(graph: Graph) -> Result<Self, Fault> {
        compile::compile(graph)
    }

    /// Names of what is given at each run.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|(name, _)| name.as_str())
    }

    /// Names of the results, in order.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|(name, _)| name.as_str())
    }

    /// Steps of a run.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Begins a run.
    ///
    /// # Errors
    ///
    /// When an input is missing, or there is none of that name.
    pub fn begin(&self, inputs: Vec<(&str, Tensor)>) -> Result<Run, Fault> {
        let mut values = vec![None; self.uses.len()];
        for (name, tensor) in inputs {
            let known = self.inputs.iter().find(|(known, _)| known == name);
            let (_, value) = known.ok_or_else(|| Fault::new(format!("the graph has no input {name}")))?;
            values[*value] = Some(tensor);
        }
        for (name, value) in &self.inputs {
            if values[*value].is_none() {
                return Err(Fault::new(format!("the input {name} is missing")));
            }
        }
        Ok(Run { values, left: self.uses.clone(), next: 0 })
    }

    /// Computes one step; false once there was none left.
    ///
    /// # Errors
    ///
    /// When shapes do not fit; the message names the operator.
    pub fn step(&mut self, run: &mut Run) -> Result<bool, Fault> {
        let Self { steps, constants, uses, level, pool, scratch, packed, .. } = self;
        let Some(step) = steps.get(run.next) else { return Ok(false) };
        run.next += 1;
        let occurs =
            |value: usize| step.inputs.iter().filter(|input| **input == Operand::Value(value)).count();
        let mut leaving = Vec::new();
        let mut owned: Vec<Option<Tensor>> = Vec::with_capacity(step.inputs.len());
        for input in &step.inputs {
            owned.push(match input {
                Operand::Value(value) => {
                    run.left[*value] = run.left[*value].saturating_sub(1);
                    match run.left[*value] {
                        0 if occurs(*value) == 1 => run.values[*value].take(),
                        0 => {
                            leaving.push(*value);
                            None
                        }
                        _ => None,
                    }
                }
                _ => None,
            });
        }
        let lost = || Fault::new("a value was given up too early").at(&step.name);
        let mut inputs = Vec::with_capacity(step.inputs.len());
        for (input, owned) in step.inputs.iter().zip(owned) {
            inputs.push(match (input, owned) {
                (_, Some(tensor)) => Input::Owned(tensor),
                (Operand::Missing, _) => Input::Missing,
                (Operand::Constant(at), _) => Input::Borrowed(constants[*at].as_ref().ok_or_else(lost)?),
                (Operand::Value(at), _) => Input::Borrowed(run.values[*at].as_ref().ok_or_else(lost)?),
            });
        }
        let mut inputs = Inputs(inputs);
        let mut context = Context { level: *level, pool, scratch, packed };
        let outputs = step.operator.run(&mut inputs, &mut context).map_err(|fault| fault.at(&step.name))?;
        if outputs.len() < step.outputs.len() {
            return Err(Fault::new("it has more results than are supported").at(&step.name));
        }
        for input in inputs.0 {
            if let Input::Owned(tensor) = input {
                pool.give(tensor);
            }
        }
        for value in leaving {
            if let Some(tensor) = run.values[value].take() {
                pool.give(tensor);
            }
        }
        for (value, tensor) in step.outputs.iter().zip(outputs) {
            if uses[*value] == 0 {
                pool.give(tensor);
            } else {
                run.values[*value] = Some(tensor);
            }
        }
        Ok(true)
    }

    /// The results of a run that has come to its end, in order.
    ///
    /// # Errors
    ///
    /// When it has not come to its end.
    pub fn finish(&self, mut run: Run) -> Result<Vec<Tensor>, Fault> {
        let mut results = Vec::with_capacity(self.outputs.len());
        for (name, operand) in &self.outputs {
            let result = match operand {
                Operand::Value(value) => {
                    run.left[*value] = run.left[*value].saturating_sub(1);
                    if run.left[*value] == 0 { run.values[*value].take() } else { run.values[*value].clone() }
                }
                Operand::Constant(at) => self.constants[*at].clone(),
                Operand::Missing => None,
            };
            results.push(result.ok_or_else(|| Fault::new(format!("the result {name} was not computed")))?);
        }
        Ok(results)
    }

    /// Computes all results, in order.
    ///
    /// # Errors
    ///
    /// As [`Network::begin`] and [`Network::step`].
    pub fn run(&mut self, inputs: Vec<(&str, Tensor)>) -> Result<Vec<Tensor>, Fault> {
        let mut run = self.begin(inputs)?;
        while self.step(&mut run)? {}
        self.finish(run)
    }

    /// Takes back the memory of a result that is not needed any more.
    pub fn recycle(&mut self, tensor: Tensor) {
        self.pool.give(tensor);
    }
}
