//! The operations on burn's CPU tensors.

use std::ops::Range;

use burn::{
    backend::Flex,
    tensor::{DType, Element, TensorData, bf16},
};
use burn_flex::FlexTensor;
use kernels::{
    attention::{Attention, Bias, Saved, attention, attention_backward, attention_biased},
    conv3d::{Conv3d, Values, conv3d, conv3d_backward_input, conv3d_backward_weight, conv3d_packed},
    matmul::{self, Epilogue, Sizes, linear_bf16, linear_int8, matmul, matmul_and_row_sums},
    pointwise,
};

use super::{Kernels, Op, Window};
use crate::{PackedKernel, PackedLinear};

impl Kernels for Flex {
    fn forward(op: &Op, inputs: &[FlexTensor]) -> (FlexTensor, Option<FlexTensor>) {
        let inputs: Vec<FlexTensor> = inputs.iter().map(FlexTensor::to_contiguous).collect();
        if let (Op::PackedConv3d { weight, window }, [x, bias, past @ ..]) = (op, &*inputs) {
            let shape = conv_of(x.layout().shape(), &weight.dims, *window);
            return (conv3d_after(shape, past, x, weight, bias), None);
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

/// A new tensor, filled by `fill`.
fn make(dims: &[usize], fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut values = zeros(dims);
    fill(&mut values);
    tensor(dims, values)
}

/// Room for a tensor of this shape.
fn zeros(dims: &[usize]) -> Vec<f32> {
    vec![0.0; dims.iter().product()]
}

/// The tensor of these values. (`FlexTensor::zeros` would allocate twice and copy.)
fn tensor<E: Element>(dims: &[usize], values: Vec<E>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, dims.to_vec()))
}

fn product_of(x: View<'_>, weight: View<'_>) -> Sizes {
    let [n, k] = [weight.dims[0], weight.dims[1]];
    Sizes { m: x.values.len() / k, n, k }
}

fn attention_of(q: View<'_>, k: View<'_>) -> Attention {
    let [batch, queries, heads, head_dim] = [q.dims[0], q.dims[1], q.dims[2], q.dims[3]];
    Attention { batch, queries, keys: k.dims[1], heads, head_dim }
}

fn output_of(shape: &Conv3d) -> [usize; 5] {
    let [frames, height, width] = shape.output_size();
    [shape.batch, shape.outputs, frames, height, width]
}

fn conv_of(x: &[usize], weight: &[usize], Window { stride, front, back, doubled }: Window) -> Conv3d {
    Conv3d {
        batch: x[0],
        inputs: x[1],
        outputs: weight[0],
        size: [x[2], x[3], x[4]],
        doubled,
        kernel: [weight[2], weight[3], weight[4]],
        stride,
        front,
        back,
    }
}

fn forward(op: &Op, inputs: &[View<'_>]) -> (FlexTensor, Option<FlexTensor>) {
    use matmul::Layout::{Plain, Transposed};
    let x = inputs[0];
    let mut extra = None;
    let out = match *op {
        Op::Activate(activation) => tensor(x.dims, pointwise::activate(activation, x.values)),
        Op::Linear | Op::LinearBias => {
            let weight = inputs[1];
            let mut dims = x.dims.to_vec();
            *dims.last_mut().expect("a linear layer takes at least one dimension") = weight.dims[0];
            let (a, b) = ((x.values, Plain), (weight.values, Transposed));
            tensor(&dims, matmul(product_of(x, weight), a, b, inputs.get(2).map(|bias| bias.values)))
        }
        Op::PackedLinear { ref weight, activation } => {
            let mut dims = x.dims.to_vec();
            *dims.last_mut().expect("a linear layer takes at least one dimension") = weight.outputs();
            let bias = inputs.get(1).map(|bias| bias.values);
            let epilogue = Epilogue { bias, activation, residual: None };
            let y = match weight {
                PackedLinear::Bf16(weight) => linear_bf16(x.values, weight, epilogue),
                PackedLinear::Int8(weight) => linear_int8(x.values, weight, epilogue),
            };
            tensor(&dims, y)
        }
        Op::RmsNorm { eps } => tensor(x.dims, pointwise::rms_norm(x.values, inputs[1].values, eps)),
        Op::ChannelRmsNorm { silu, rounded: false } => {
            tensor(x.dims, pointwise::channel_rms_norm(x.values, inputs[1].values, positions(x), silu))
        }
        Op::ChannelRmsNorm { silu, rounded: true } => {
            tensor(x.dims, pointwise::channel_rms_norm_bf16(x.values, inputs[1].values, positions(x), silu))
        }
        Op::LayerNormModulate { eps } => {
            assert_eq!(x.dims[0], inputs[1].dims[0], "a row of modulation for each sample");
            let (shift, scale) = (inputs[1].values, inputs[2].values);
            tensor(x.dims, pointwise::layer_norm_modulate(x.values, shift, scale, x.last(), eps))
        }
        Op::GatedResidual => {
            assert_eq!(x.dims[0], inputs[2].dims[0], "a row of gates for each sample");
            let (y, gate) = (inputs[1].values, inputs[2].values);
            tensor(x.dims, pointwise::gated_residual(x.values, y, gate, x.last()))
        }
        Op::Rope => rotate(x.dims, x.values, [inputs[1], inputs[2]], false),
        Op::RmsNormRope { eps } => {
            let [weight, cos, sin] = [inputs[1].values, inputs[2].values, inputs[3].values];
            tensor(x.dims, pointwise::rms_norm_rope(x.values, weight, eps, cos, sin, x.last()))
        }
        Op::Attention => {
            let shape = attention_of(x, inputs[1]);
            let (out, lse) = attention(&shape, x.values, inputs[1].values, inputs[2].values);
            extra = Some(tensor(&[shape.lse_len()], lse));
            tensor(x.dims, out)
        }
        Op::AttentionBiased => {
            let (k, v) = (inputs[1].values, inputs[2].values);
            let bias = Bias { scale: 1.0, by_distance: inputs[3].values, by_key: inputs[4].values };
            tensor(x.dims, attention_biased(&attention_of(x, inputs[1]), x.values, k, v, bias))
        }
        Op::Conv3d { window } => {
            let shape = conv_of(x.dims, inputs[1].dims, window);
            make(&output_of(&shape), |y| {
                conv3d(&shape, x.values, inputs[1].values, Some(inputs[2].values), y);
            })
        }
        Op::PackedConv3d { .. } => unreachable!("taken before: past frames have a format of their own"),
    };
    (out, extra)
}

/// A packed convolution of `shape` over `x`, in front of which the frames of `past` come.
fn conv3d_after(
    shape: Conv3d,
    past: &[FlexTensor],
    x: &FlexTensor,
    weight: &PackedKernel,
    bias: &FlexTensor,
) -> FlexTensor {
    let [frames, height, width] = shape.size;
    let shape = Conv3d { size: [past.len() + frames, height, width], ..shape };
    let format = |frame| match FlexTensor::dtype(frame) {
        DType::BF16 => Values::Bf16(&frame.storage::<bf16>()[range(frame)]),
        _ => Values::F32(values(frame)),
    };
    let past: Vec<Values<'_>> = past.iter().map(format).collect();
    let (x, bias) = (format(x), Some(values(bias)));
    tensor(&output_of(&shape), conv3d_packed(&shape, &past, x, &weight.weight, bias))
}

fn backward(
    op: &Op,
    inputs: &[View<'_>],
    (out, extra): &(FlexTensor, Option<FlexTensor>),
    upstream: &FlexTensor,
    wanted: &[bool],
) -> Vec<Option<FlexTensor>> {
    use matmul::Layout::{Plain, Transposed};
    let (x, grad) = (inputs[0], values(upstream));
    match *op {
        Op::Activate(activation) => {
            vec![Some(make(x.dims, |dx| pointwise::activate_backward(activation, x.values, grad, dx)))]
        }
        Op::Linear | Op::LinearBias => {
            let weight = inputs[1];
            let Sizes { m, n, k } = product_of(x, weight);
            let dx = wanted[0].then(|| {
                let sizes = Sizes { m, n: k, k: n };
                tensor(x.dims, matmul(sizes, (grad, Plain), (weight.values, Plain), None))
            });
            let sizes = Sizes { m: n, n: k, k: m };
            let (grad, values) = ((grad, Transposed), (x.values, Plain));
            let Some(bias) = inputs.get(2) else {
                let dw = wanted[1].then(|| tensor(weight.dims, matmul(sizes, grad, values, None)));
                return vec![dx, dw];
            };
            let mut db = zeros(bias.dims);
            let dw = tensor(weight.dims, matmul_and_row_sums(sizes, grad, values, &mut db));
            vec![dx, Some(dw), Some(tensor(bias.dims, db))]
        }
        Op::PackedLinear { .. } | Op::PackedConv3d { .. } => {
            unreachable!("weights that ask for gradients are not packed, and nothing before them asks either")
        }
        Op::AttentionBiased => unreachable!("applied to tensors without autodiff alone"),
        Op::RmsNorm { eps } => {
            let [dx, dw] = rms_norm_backward(grad, x, inputs[1], eps);
            vec![Some(dx), Some(dw)]
        }
        Op::ChannelRmsNorm { silu, .. } => {
            let gamma = inputs[1];
            let mut d_gamma = zeros(gamma.dims);
            let dx = make(x.dims, |dx| {
                pointwise::channel_rms_norm_backward(
                    grad,
                    x.values,
                    gamma.values,
                    positions(x),
                    silu,
                    dx,
                    &mut d_gamma,
                );
            });
            vec![Some(dx), Some(tensor(gamma.dims, d_gamma))]
        }
        Op::LayerNormModulate { eps } => {
            let scale = inputs[2];
            let (mut d_shift, mut d_scale) = (zeros(scale.dims), zeros(scale.dims));
            let dx = make(x.dims, |dx| {
                pointwise::layer_norm_modulate_backward(
                    grad,
                    x.values,
                    scale.values,
                    x.last(),
                    eps,
                    dx,
                    &mut d_shift,
                    &mut d_scale,
                );
            });
            vec![Some(dx), Some(tensor(scale.dims, d_shift)), Some(tensor(scale.dims, d_scale))]
        }
        Op::GatedResidual => {
            let gate = inputs[2];
            let mut d_gate = zeros(gate.dims);
            let dy = make(x.dims, |dy| {
                let y = inputs[1].values;
                pointwise::gated_residual_backward(grad, y, gate.values, x.last(), dy, &mut d_gate);
            });
            vec![Some(upstream.clone()), Some(dy), Some(tensor(gate.dims, d_gate))]
        }
        Op::Rope => vec![Some(rotate(x.dims, grad, [inputs[1], inputs[2]], true)), None, None],
        Op::RmsNormRope { eps } => {
            let weight = inputs[1];
            let grad = rotate(x.dims, grad, [inputs[2], inputs[3]], true);
            let [dx, dw] = rms_norm_backward(values(&grad), x, weight, eps);
            vec![Some(dx), Some(dw), None, None]
        }
        Op::Attention => {
            let (k, v) = (inputs[1], inputs[2]);
            let lse = extra.as_ref().expect("the forward pass of attention saves the log-sum-exp");
            let saved = Saved { q: x.values, k: k.values, v: v.values, out: values(out), lse: values(lse) };
            let (mut dq, mut dk, mut dv) = (zeros(x.dims), zeros(k.dims), zeros(v.dims));
            attention_backward(&attention_of(x, k), saved, grad, &mut dq, &mut dk, &mut dv);
            vec![Some(tensor(x.dims, dq)), Some(tensor(k.dims, dk)), Some(tensor(v.dims, dv))]
        }
        Op::Conv3d { window } => {
            let weight = inputs[1];
            let shape = conv_of(x.dims, weight.dims, window);
            let dx =
                wanted[0].then(|| make(x.dims, |dx| conv3d_backward_input(&shape, grad, weight.values, dx)));
            let mut db = zeros(inputs[2].dims);
            let dw = make(weight.dims, |dw| conv3d_backward_weight(&shape, x.values, grad, dw, &mut db));
            vec![dx, Some(dw), Some(tensor(inputs[2].dims, db))]
        }
    }
}

fn positions(x: View<'_>) -> usize {
    x.dims[2..].iter().product()
}

fn rotate(dims: &[usize], x: &[f32], [cos, sin]: [View<'_>; 2], inverse: bool) -> FlexTensor {
    tensor(dims, pointwise::rope(x, cos.values, sin.values, dims[2], dims[3], inverse))
}

fn rms_norm_backward(grad: &[f32], x: View<'_>, weight: View<'_>, eps: f32) -> [FlexTensor; 2] {
    let mut dw = zeros(weight.dims);
    let dx = make(x.dims, |dx| {
        pointwise::rms_norm_backward(grad, x.values, weight.values, eps, dx, &mut dw);
    });
    [dx, tensor(weight.dims, dw)]
}
