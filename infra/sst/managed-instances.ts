/**
 * Lambda Managed Instances: the unit on EC2 instances that Lambda runs, each taking many requests at once, so that more messages share a
 * commit. In a network of the operator's, and never fewer than three instances.
 */
import type { Network } from '../stage.ts'
import { physicalOf } from './names.ts'
import type { Place } from './places.ts'
import { partitionOf } from './policy.ts'

export interface Capacity {
  /** In place of what the function has on plain Lambda. */
  settings: Partial<aws.lambda.FunctionArgs>
  variables: Readonly<Record<string, string>>
}

/** Two whole CPUs. */
const MEMORY_MB = 4_096
const GIB_PER_CPU = 2
/** Those whose CPUs sign RSA fast (AVX-512 with IFMA). */
const INSTANCES = ['c7i.large', 'c7i.xlarge', 'c7i.2xlarge', 'm7i.large', 'm7i.xlarge', 'm7i.2xlarge']

export function createCapacity({ region, suffix, options }: Place, { subnets, securityGroups }: Network): Capacity {
  const operator = new aws.iam.Role(
    `CapacityRole${suffix}`,
    {
      name: physicalOf(`capacity-${region}`, 64),
      assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: 'lambda.amazonaws.com' }),
      managedPolicyArns: [
        $util.interpolate`arn:${partitionOf(options)}:iam::aws:policy/AWSLambdaManagedEC2ResourceOperator`,
      ],
    },
    options,
  )
  const provider = new aws.lambda.CapacityProvider(
    `Capacity${suffix}`,
    {
      name: physicalOf(region, 140),
      vpcConfig: { subnetIds: [...subnets], securityGroupIds: [...securityGroups] },
      permissionsConfig: { capacityProviderOperatorRoleArn: operator.arn },
      instanceRequirements: [{ architectures: ['x86_64'], allowedInstanceTypes: INSTANCES, excludedInstanceTypes: [] }],
    },
    options,
  )
  return {
    settings: {
      memorySize: MEMORY_MB,
      // An address of a function without a version leads to the one that was published last.
      publish: true,
      publishTo: 'LATEST_PUBLISHED',
      capacityProviderConfig: {
        lambdaManagedInstancesCapacityProviderConfig: {
          capacityProviderArn: provider.arn,
          executionEnvironmentMemoryGibPerVcpu: GIB_PER_CPU,
        },
      },
    },
    // Requests share a commit only within one thread; signing has threads of its own.
    variables: { AWS_LAMBDA_NODEJS_WORKER_COUNT: '1' },
  }
}
