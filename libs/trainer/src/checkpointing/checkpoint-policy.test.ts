import { CheckpointPolicy } from './checkpoint-policy.js';

function policyAt(policy: ConstructorParameters<typeof CheckpointPolicy>[0]) {
  const clock = { ms: 1_000 };
  return { clock, policy: new CheckpointPolicy(policy, () => clock.ms) };
}

describe('the checkpoint policy', () => {
  it('counts steps of the operation, not of the attempt', () => {
    const { policy } = policyAt({ every_steps: 10, keep_last: 1 });
    policy.moved({ step: 18, epoch: 0, samples: 1 });
    expect(policy.due).toBe(false);
    policy.moved({ step: 20, epoch: 0, samples: 3 });
    policy.moved({ step: 21, epoch: 0, samples: 4 });
    expect(policy.due).toBe(true);
    policy.saved();
    expect(policy.due).toBe(false);
  });

  it('is due at the end of every nth epoch and nowhere else', () => {
    const { policy } = policyAt({ every_epochs: 2, keep_last: 1 });
    policy.moved({ step: 8, epoch: 1, samples: 0 });
    policy.moved({ step: 9, epoch: 2, samples: 1 });
    expect(policy.due).toBe(false);
    policy.moved({ step: 16, epoch: 2, samples: 0 });
    expect(policy.due).toBe(true);
  });

  it('protects the first seconds of an attempt like any others', () => {
    const { policy, clock } = policyAt({ every_seconds: 5, keep_last: 1 });
    clock.ms += 4_999;
    expect(policy.due).toBe(false);
    clock.ms += 1;
    expect(policy.due).toBe(true);
    policy.saved();
    expect(policy.due).toBe(false);
    clock.ms += 5_000;
    expect(policy.due).toBe(true);
  });
});
