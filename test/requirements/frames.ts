/** What bodies say of frames. */
import { assert } from "@effect/vitest"
import type { Frame } from "./client.ts"

export const isRequest = (frame: Frame): boolean => frame.method !== undefined && frame.id !== undefined

export const isNotification = (frame: Frame): boolean => frame.method !== undefined && frame.id === undefined

export const isAnswer = (frame: Frame): boolean => frame.method === undefined

/** The result, of a frame that has one. */
export const resultOf = (frame: Frame): any => {
  assert.isUndefined(frame.error, JSON.stringify(frame))
  assert.isObject(frame.result)
  return frame.result
}

/** The error, of a frame that has one of these codes. */
export const errorOf = (frame: Frame, ...codes: ReadonlyArray<number>): NonNullable<Frame["error"]> => {
  assert.isUndefined(frame.result, JSON.stringify(frame))
  assert.include(codes, frame.error?.code, JSON.stringify(frame))
  return frame.error!
}

export const notificationsOf = (frames: ReadonlyArray<Frame>, method: string): ReadonlyArray<Frame> =>
  frames.filter((frame) => isNotification(frame) && frame.method === method)

export const progressOf = (frames: ReadonlyArray<Frame>, token: unknown): ReadonlyArray<number> =>
  notificationsOf(frames, "notifications/progress")
    .filter(({ params }) => params.progressToken === token)
    .map(({ params }) => params.progress)
