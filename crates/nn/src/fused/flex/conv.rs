//! 3-D convolutions.

use burn::tensor::{DType, bf16};
use burn_flex::FlexTensor;
use kernels::conv3d::{Conv3d, Values, conv3d, conv3d_backward_input, conv3d_backward_weight, conv3d_packed};

use super::{View, range, tensor, values};
use crate::{PackedKernel, fused::Window};

pub(super) fn forward(window: Window, x: View<'_>, weight: View<'_>, bias: View<'_>) -> FlexTensor {
    let shape = shape(x.dims, weight.dims, window);
    tensor(&output(&shape), conv3d(&shape, x.values, weight.values, Some(bias.values)))
}

/// Over `x`, in front of which the frames of `past` come.
pub(super) fn forward_packed(
    window: Window,
    past: &[FlexTensor],
    x: &FlexTensor,
    weight: &PackedKernel,
    bias: &FlexTensor,
) -> FlexTensor {
    let shape = shape(x.layout().shape(), &weight.dims, window);
    let [frames, height, width] = shape.size;
    let shape = Conv3d { size: [past.len() + frames, height, width], ..shape };
    let format = |frame| match FlexTensor::dtype(frame) {
        DType::BF16 => Values::Bf16(&frame.storage::<bf16>()[range(frame)]),
        _ => Values::F32(values(frame)),
    };
    let past: Vec<Values<'_>> = past.iter().map(format).collect();
    let (x, bias) = (format(x), Some(values(bias)));
    tensor(&output(&shape), conv3d_packed(&shape, &past, x, &weight.weight, bias))
}

/// The gradients by `x`, if that is wanted, `weight` and `bias`.
pub(super) fn backward(
    window: Window,
    x: View<'_>,
    weight: View<'_>,
    bias: View<'_>,
    grad: &[f32],
    by_input: bool,
) -> Vec<Option<FlexTensor>> {
    let shape = shape(x.dims, weight.dims, window);
    let dx = by_input.then(|| tensor(x.dims, conv3d_backward_input(&shape, grad, weight.values)));
    let [dw, db] = conv3d_backward_weight(&shape, x.values, grad);
    vec![dx, Some(tensor(weight.dims, dw)), Some(tensor(bias.dims, db))]
}

fn shape(x: &[usize], weight: &[usize], Window { stride, front, back, doubled }: Window) -> Conv3d {
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

fn output(shape: &Conv3d) -> [usize; 5] {
    let [frames, height, width] = shape.output_size();
    [shape.batch, shape.outputs, frames, height, width]
}
