//! The operations on burn's CPU tensors: a file for each kind, forward beside backward.

mod attention;
mod conv;
mod linear;
mod norm;
mod pointwise;

use std::ops::Range;

use burn::{
    backend::Flex,
    tensor::{Element, TensorData},
};
use burn_flex::FlexTensor;

use super::{Kernels, Op};

impl Kernels for Flex {
    fn forward(op: &Op, inputs: &[FlexTensor]) -> (FlexTensor, Option<FlexTensor>) {
        let inputs: Vec<FlexTensor> = inputs.iter().map(FlexTensor::to_contiguous).collect();
        // Past frames have a format of their own.
        if let (Op::PackedConv3d { weight, window }, [x, bias, past @ ..]) = (op, &*inputs) {
            return (conv::forward_packed(*window, past, x, weight, bias), None);
        }
        let views: Vec<View<'_>> = inputs.iter().map(View::of).collect();
        forward(op, &views)
    }

    fn backward(
        op: &Op,
        inputs: &[FlexTensor],
        result: &(FlexTensor, Option<FlexTensor>),
        grad: FlexTensor,
        wanted: &[bool],
    ) -> Vec<Option<FlexTensor>> {
        let inputs: Vec<FlexTensor> = inputs.iter().map(FlexTensor::to_contiguous).collect();
        let views: Vec<View<'_>> = inputs.iter().map(View::of).collect();
        backward(op, &views, result, &grad.to_contiguous(), wanted)
    }
}

fn forward(op: &Op, inputs: &[View<'_>]) -> (FlexTensor, Option<FlexTensor>) {
    let out = match (op, inputs) {
        (Op::Activate(activation), &[x]) => pointwise::activate(*activation, x),
        (Op::Permute { axes }, &[x]) => pointwise::permute(x, axes),
        (Op::Linear, &[x, weight]) => linear::forward(x, weight, None),
        (Op::LinearBias, &[x, weight, bias]) => linear::forward(x, weight, Some(bias)),
        (Op::PackedLinear { weight, activation }, &[x, ref bias @ ..]) => {
            linear::forward_packed(x, weight, bias.first().copied(), *activation)
        }
        (Op::RmsNorm { eps }, &[x, weight]) => norm::rms_norm(x, weight, *eps),
        (Op::ChannelRmsNorm { silu, rounded }, &[x, gamma]) => {
            norm::channel_rms_norm(x, gamma, *silu, *rounded)
        }
        (Op::LayerNormModulate { eps }, &[x, shift, scale]) => {
            norm::layer_norm_modulate(x, shift, scale, *eps)
        }
        (Op::GatedResidual, &[x, y, gate]) => pointwise::gated_residual(x, y, gate),
        (Op::Rope, &[x, cos, sin]) => pointwise::rope(x, [cos, sin]),
        (Op::RmsNormRope { eps }, &[x, weight, cos, sin]) => norm::rms_norm_rope(x, weight, [cos, sin], *eps),
        (Op::Attention, &[q, k, v]) => {
            let (out, lse) = attention::forward(q, k, v);
            return (out, Some(lse));
        }
        (Op::AttentionTo { keys }, &[q]) => attention::forward_to(q, keys),
        (Op::AttentionBiased, &[q, k, v, by_distance, by_key]) => {
            attention::forward_biased(q, k, v, by_distance, by_key)
        }
        (Op::Conv3d { window }, &[x, weight, bias]) => conv::forward(*window, x, weight, bias),
        (op, inputs) => unreachable!("{op:?} of {} tensors", inputs.len()),
    };
    (out, None)
}

fn backward(
    op: &Op,
    inputs: &[View<'_>],
    (out, extra): &(FlexTensor, Option<FlexTensor>),
    upstream: &FlexTensor,
    wanted: &[bool],
) -> Vec<Option<FlexTensor>> {
    let grad = values(upstream);
    match (op, inputs) {
        (Op::Activate(activation), &[x]) => vec![Some(pointwise::activate_backward(*activation, x, grad))],
        (Op::Linear, &[x, weight]) => linear::backward(x, weight, grad, wanted),
        (Op::LinearBias, &[x, weight, bias]) => linear::backward_bias(x, weight, bias, grad, wanted),
        (Op::RmsNorm { eps }, &[x, weight]) => norm::rms_norm_backward(x, weight, *eps, grad).to_vec(),
        (Op::ChannelRmsNorm { silu, .. }, &[x, gamma]) => {
            norm::channel_rms_norm_backward(x, gamma, *silu, grad)
        }
        (Op::LayerNormModulate { eps }, &[x, _, scale]) => {
            norm::layer_norm_modulate_backward(x, scale, *eps, grad)
        }
        (Op::GatedResidual, &[x, y, gate]) => {
            let [dy, d_gate] = pointwise::gated_residual_backward(x, y, gate, grad);
            vec![Some(upstream.clone()), Some(dy), Some(d_gate)]
        }
        (Op::Rope, &[x, cos, sin]) => vec![Some(pointwise::rope_backward(x, [cos, sin], grad)), None, None],
        (Op::RmsNormRope { eps }, &[x, weight, cos, sin]) => {
            let [dx, dw] = norm::rms_norm_rope_backward(x, weight, [cos, sin], *eps, grad);
            vec![dx, dw, None, None]
        }
        (Op::Attention, &[q, k, v]) => {
            let lse = extra.as_ref().expect("the forward pass of attention saves the log-sum-exp");
            attention::backward([q, k, v], values(out), values(lse), grad).map(Some).to_vec()
        }
        (Op::Conv3d { window }, &[x, weight, bias]) => {
            conv::backward(*window, x, weight, bias, grad, wanted[0])
        }
        (Op::AttentionTo { .. } | Op::AttentionBiased | Op::Permute { .. }, _) => {
            unreachable!("applied to tensors without autodiff alone")
        }
        (Op::PackedLinear { .. } | Op::PackedConv3d { .. }, _) => {
            unreachable!("weights that ask for gradients are not packed, and nothing before them asks either")
        }
        (op, inputs) => unreachable!("the gradient of {op:?} by {} tensors", inputs.len()),
    }
}

/// The shape and the values of a contiguous tensor.
#[derive(Clone, Copy)]
struct View<'a> {
    dims: &'a [usize],
    values: &'a [f32],
}

impl<'a> View<'a> {
    fn of(tensor: &'a FlexTensor) -> Self {
        Self { dims: tensor.layout().shape(), values: values(tensor) }
    }

    fn last(&self) -> usize {
        self.dims[self.dims.len() - 1]
    }
}

/// The values of a contiguous tensor, which may begin inside a larger storage.
fn values(tensor: &FlexTensor) -> &[f32] {
    &tensor.storage::<f32>()[range(tensor)]
}

/// Where a contiguous tensor lies in its storage.
fn range(tensor: &FlexTensor) -> Range<usize> {
    let start = tensor.layout().start_offset();
    start..start + tensor.layout().num_elements()
}

/// Room for a tensor of this shape.
fn zeros(dims: &[usize]) -> Vec<f32> {
    vec![0.0; dims.iter().product()]
}

/// The tensor of these values. (`FlexTensor::zeros` would allocate twice and copy.)
fn tensor<E: Element>(dims: &[usize], values: Vec<E>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, dims.to_vec()))
}
