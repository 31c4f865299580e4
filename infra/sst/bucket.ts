/** The bucket of item bodies: closed to everybody but the functions, over TLS alone. */
import type { Place } from './places.ts'

/** @param kept infra/stage.ts; it stays so while the stage is removable */
export function createBucket({ suffix, options }: Place, kept: boolean): sst.aws.Bucket {
  const bucket = new sst.aws.Bucket(
    `Items${suffix}`,
    {
      versioning: kept,
      // Nothing in a browser asks the bucket.
      cors: false,
      enforceHttps: true,
      transform: { bucket: { forceDestroy: !kept } },
    },
    options,
  )
  new aws.s3.BucketLifecycleConfiguration(
    `ItemsLifecycle${suffix}`,
    {
      bucket: bucket.name,
      rules: [
        {
          id: 'unfinished',
          status: 'Enabled',
          filter: { prefix: '' },
          abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
        },
        // An object is never changed on purpose: what was before is there to undo a mistake.
        {
          id: 'overwritten',
          status: 'Enabled',
          filter: { prefix: '' },
          noncurrentVersionExpiration: { noncurrentDays: 90 },
        },
      ],
    },
    options,
  )
  return bucket
}
