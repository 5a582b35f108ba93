import { describe, expect, it } from 'vitest'
import { examineClock } from '../../../src/cli/doctor/examine-clock.ts'
import { tokensCredential } from '../../support/tokens-credential.ts'
