import { setTensorFlowVariables } from './config.js';

describe('the variables of TensorFlow', () => {
  it('leave nothing to the surroundings that changes its bits, and its verbosity to the user', () => {
    const environment = {
      PATH: '/bin',
      TF_NUM_INTRAOP_THREADS: '8',
      ONEDNN_MAX_CPU_ISA: 'AVX2',
      TF_CPP_MIN_LOG_LEVEL: '0',
    };
    setTensorFlowVariables(environment);
    expect(environment).toMatchObject({
      PATH: '/bin',
      TF_NUM_INTRAOP_THREADS: '1',
      TF_NUM_INTEROP_THREADS: '1',
      TF_ENABLE_ONEDNN_OPTS: '1',
      TF_DETERMINISTIC_OPS: '1',
      TF_CPP_MIN_LOG_LEVEL: '0',
    });
    expect(environment).not.toHaveProperty('ONEDNN_MAX_CPU_ISA');
  });
});
