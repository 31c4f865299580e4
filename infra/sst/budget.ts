/** A mail before the bill is a surprise. Of the whole account: which costs are a stage's own, AWS knows only where its tags are turned on. */
import { physicalOf } from './names.ts'

export const createBudget = (dollars: number, email: string): aws.budgets.Budget =>
  new aws.budgets.Budget('Budget', {
    name: physicalOf('budget', 100),
    budgetType: 'COST',
    timeUnit: 'MONTHLY',
    limitAmount: String(dollars),
    limitUnit: 'USD',
    notifications: [
      { notificationType: 'ACTUAL', threshold: 80 },
      { notificationType: 'FORECASTED', threshold: 100 },
    ].map((when) => ({
      ...when,
      thresholdType: 'PERCENTAGE',
      comparisonOperator: 'GREATER_THAN',
      subscriberEmailAddresses: [email],
    })),
  })
