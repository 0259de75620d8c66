/** Threads of TensorFlow: with another number it adds in another order. */
export const NATIVE_THREADS = 1;

/**
 * What TensorFlow reads while it is loaded, so that its results depend on nothing but its version, the instruction set
 * and the device.
 */
const VARIABLES: Readonly<Record<string, string>> = {
  TF_NUM_INTRAOP_THREADS: `${NATIVE_THREADS}`,
  TF_NUM_INTEROP_THREADS: '1',
  // Its default depends on the processor, and other kernels give other bits.
  TF_ENABLE_ONEDNN_OPTS: '1',
  TF_DETERMINISTIC_OPS: '1',
  NVIDIA_TF32_OVERRIDE: '0',
  CUBLAS_WORKSPACE_CONFIG: ':4096:8',
  // Otherwise the first trainer takes all memory of a GPU that several share.
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
};
/** They would choose other kernels than the instruction set that the version names. */
const UNWANTED = ['ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA', 'ONEDNN_DEFAULT_FPMATH_MODE', 'TF_SET_ONEDNN_FPMATH_MODE'];

/** Sets the environment of this process for TensorFlow. Has no effect once it is loaded. */
export function setTensorFlowVariables(environment: NodeJS.ProcessEnv = process.env): void {
  Object.assign(environment, VARIABLES);
  environment['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // warnings and errors
  for (const name of UNWANTED) delete environment[name];
}
