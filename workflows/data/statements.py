"""A company's accounts: the figures of one period, and the names under which each is filed."""

from typing import Annotated

from pydantic import Field, StringConstraints

from workflows.data.common import Day, Record

Amount = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Statement(Record):
    """Accounts of one period, in whole units of `currency`. None: not stated, never nought.

    Balances are those of `end`; flows are of the `months` that ended with it.
    """

    end: Day
    months: Annotated[int, Field(ge=1, le=18)] = 12
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    audited: bool | None = None
    """Whether an auditor signed them; None: not said."""

    assets: Positive | None = None
    current_assets: Positive | None = None
    cash: Amount | None = None
    inventory: Positive | None = None
    receivables: Amount | None = None
    goodwill: Positive | None = None
    intangibles: Positive | None = None
    liabilities: Positive | None = None
    current_liabilities: Positive | None = None
    payables: Amount | None = None
    debt: Positive | None = None
    """Borrowings that bear interest, all maturities."""
    debt_due: Positive | None = None
    """The part of the debt that falls due within a year."""
    equity: Amount | None = None
    """Of the owners of the parent; `minority` is the others' share."""
    minority: Amount | None = None
    retained_earnings: Amount | None = None
    sales: Amount | None = None
    cost_of_sales: Amount | None = None
    ebit: Amount | None = None
    pretax_income: Amount | None = None
    net_income: Amount | None = None
    interest: Amount | None = None
    depreciation: Amount | None = None
    operating_cash_flow: Amount | None = None


FLOWS = (
    "sales",
    "cost_of_sales",
    "ebit",
    "pretax_income",
    "net_income",
    "interest",
    "depreciation",
    "operating_cash_flow",
)
"""Figures of a period; all others are balances."""

CONCEPTS: dict[str, tuple[str, ...]] = {
    "assets": ("Assets",),
    "current_assets": ("AssetsCurrent", "CurrentAssets"),
    "cash": ("CashAndCashEquivalentsAtCarryingValue", "CashAndCashEquivalents"),
    "inventory": ("InventoryNet", "Inventories"),
    "receivables": (
        "AccountsReceivableNetCurrent",
        "CurrentTradeReceivables",
        "TradeAndOtherCurrentReceivables",
    ),
    "goodwill": ("Goodwill",),
    "intangibles": (
        "IntangibleAssetsNetExcludingGoodwill",
        "FiniteLivedIntangibleAssetsNet",
        "IntangibleAssetsOtherThanGoodwill",
    ),
    "liabilities": ("Liabilities",),
    "current_liabilities": ("LiabilitiesCurrent", "CurrentLiabilities"),
    "payables": (
        "AccountsPayableCurrent",
        "TradeAndOtherCurrentPayablesToTradeSuppliers",
        "TradeAndOtherCurrentPayables",
    ),
    "debt": (
        "DebtLongtermAndShorttermCombinedAmount",
        "LongTermDebt",
        "Borrowings",
        "LongTermDebtNoncurrent",
        "ConvertibleDebtNoncurrent",
    ),
    "debt_due": ("DebtCurrent", "LongTermDebtCurrent", "CurrentPortionOfLongtermBorrowings"),
    "equity": ("StockholdersEquity", "EquityAttributableToOwnersOfParent", "Equity"),
    "minority": ("MinorityInterest", "NoncontrollingInterests"),
    "retained_earnings": ("RetainedEarningsAccumulatedDeficit", "RetainedEarnings"),
    "sales": (
        "Revenues",
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "Revenue",
        "SalesRevenueNet",
    ),
    "cost_of_sales": ("CostOfRevenue", "CostOfGoodsAndServicesSold", "CostOfSales"),
    "ebit": ("OperatingIncomeLoss", "ProfitLossFromOperatingActivities"),
    "pretax_income": (
        "IncomeLossFromContinuingOperationsBeforeIncomeTaxes"
        "ExtraordinaryItemsNoncontrollingInterest",
        "ProfitLossBeforeTax",
    ),
    "net_income": ("NetIncomeLoss", "ProfitLoss"),
    "interest": ("InterestExpense", "InterestExpenseNonoperating", "FinanceCosts"),
    "depreciation": (
        "DepreciationDepletionAndAmortization",
        "DepreciationAmortizationAndAccretionNet",
        "AdjustmentsForDepreciationAndAmortisationExpense",
    ),
    "operating_cash_flow": (
        "NetCashProvidedByUsedInOperatingActivities",
        "CashFlowsFromUsedInOperatingActivities",
        "CashFlowsFromUsedInOperations",
    ),
}
"""Each figure's names in US GAAP and in IFRS, the best first."""
